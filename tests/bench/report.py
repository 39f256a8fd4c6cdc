"""What was measured, as tables, as budgets met or missed, as JSON and as a
chart."""

import os
import platform

import chart

# DESIGN section 8: at least so much of the constant program's rate.
PARTS = {"health": 0.85, "me, limits off": 0.80, "me": 0.65}
PEERS = {"FastAPI, uvicorn": 4, "PHP-FPM": 2.5, "Fastify": 1}
LOGIN, LOCK_MS, PSS_KIB, CGI_MS, GROWTH = 1.05, 50, 3072, 3, 0.15


def find(result, name, clients=None):
    for cell in result.get("cells", []):
        if cell.name == name and cell.rounds and (
                clients is None or cell.clients == clients):
            return cell
    return None


def machine():
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return (f"{os.cpu_count()} processors{', ' + model if model else ''}, "
            f"Linux {platform.release()}, load {os.getloadavg()[0]:.1f}")


# --------------------------------------------------------------------- tables


def show(options, result):
    print(machine())
    print(f"{options.workers} processes a program, {options.rounds} rounds of "
          f"{options.seconds:g} s, {options.callers} callers\n")
    if "cells" in result:
        show_cells(result)
    if "streams" in result:
        show_streams(result)
    for what, lines in result.get("curves", {}).items():
        show_curve(what, lines)
    found = budgets(result)
    if found:
        print("\nBudgets (DESIGN, section 8; the last ones: issue 8)")
        for name, budget, value, met in found:
            print(f"  {'met   ' if met else 'MISSED'}  {name}: {value} "
                  f"({budget})")


def show_cells(result):
    print("%-36s %4s %9s %6s %6s | %8s %8s %8s | %7s %7s %6s" % (
        "", "", "", "to", "to", "ms:", "", "", "us of", "us of", "MiB"))
    print("%-36s %4s %9s %6s %6s | %8s %8s %8s | %7s %7s %6s" % (
        "call", "cli.", "per s", "const.", "ling.", "50 %", "99 %", "99.9 %",
        "program", "server", "each"))
    for cell in result["cells"]:
        print("%-36s %4d %9.0f %6s %6s | %8.2f %8.2f %8.2f | %7.1f %7.1f %6s"
              % (cell.name, cell.clients, cell.median("rate"),
                 part(result, cell, "constant"),
                 part(result, cell, "constant, lingering"),
                 *(cell.median(p) / 1e3 for p in ("p50", "p99", "p99.9")),
                 cell.median("program_us"), cell.median("server_us"),
                 memory(cell)))


def part(result, cell, name):
    base = find(result, name, cell.clients)
    return "" if base is None else "%.2f" % cell.ratio(base)


def memory(cell):
    shares = [one["pss"] for one in cell.rounds if one["pss"]]
    return "%.1f" % (max(shares) / 1024) if shares else ""


def show_streams(result):
    print("\n%-18s %10s %12s %18s %12s %14s" % (
        "clients that wait", "processes", "MiB of each", "CPU ms a minute",
        "news in ms", "me meanwhile/s"))
    for one in result["streams"]:
        print("%-18d %10d %12s %18s %12s %14.0f" % (
            one["streams"], one["processes"],
            "%.1f" % (one["pss"] / 1024) if one["streams"] else "",
            "%.1f" % one["cpu_ms_per_minute"] if one["streams"] else "",
            "%.1f" % one["news_ms"] if one["streams"] else "",
            one["me"]["rate"]))


def show_curve(what, lines):
    print(f"{what}: microseconds of the program a request (requests/s)")
    for name, points in lines.items():
        print("  %-18s" % name, "  ".join(
            "%s: %.1f (%.0f)" % (f"{x:,}", cell.median("program_us"),
                                 cell.median("rate")) for x, cell in points))


# -------------------------------------------------------------------- budgets


def budgets(result):
    """(name, budget, value, whether it is met) of those that were measured."""
    return [one for kind in (constants, hashing, locks, memories, plain_cgi,
                             sizes, others) for one in kind(result)]


def constants(result):
    clients = result.get("clients")
    base = find(result, "constant", clients)
    stock = find(result, "constant, lingering", clients)
    for name, least in PARTS.items():
        cell = find(result, name, clients)
        if cell is None or base is None:
            continue
        value = cell.ratio(base)
        remark = "" if stock is None else (
            f", {cell.ratio(stock):.2f} of one that lingers")
        yield (f"{name}, {clients} clients", f"at least {least:.2f}",
               f"{value:.2f} of the constant program{remark}", value >= least)


def hashing(result):
    if "login" in result:
        ratio = result["login"]["ratio"]
        yield ("login against bare scrypt", f"at most {LOGIN} of its CPU time",
               f"{ratio:.3f}", ratio <= LOGIN)


def locks(result):
    cell = find(result, "mixed, 4 processes")
    if cell is not None:
        value = cell.median("p99.9") / 1e3
        yield ("reads and writes, 16 clients, 4 processes",
               f"99.9 % wait for the lock at most {LOCK_MS} ms",
               f"99.9 % of whole answers within {value:.1f} ms",
               value <= LOCK_MS)


def memories(result):
    shares = [(one["pss"], cell.name) for cell in result.get("cells", [])
              for one in cell.rounds if one["pss"] and cell.call in (
                  "me", "health", "message", "page", "refresh", "invalid",
                  "full", "mixed") and "CGI" not in cell.name
              and cell.name not in PEERS]
    shares += [(one["pss_most"], "waiting for events")
               for one in result.get("streams", []) if one["streams"]]
    if shares:
        most, name = max(shares)
        yield ("memory of a worker under load", f"at most {PSS_KIB // 1024} "
               "MiB of proportional set size",
               f"{most / 1024:.1f} MiB ({name})", most <= PSS_KIB)


def plain_cgi(result):
    for name in ("health", "me") if "cgi" in result else ():
        more = result["cgi"][name]["ms"] - result["cgi"]["constant"]["ms"]
        yield (f"{name} under plain CGI, from exec to answer",
               f"at most {CGI_MS} ms more than a constant program",
               f"{more:.2f} ms more (of "
               f"{result['cgi']['constant']['ms']:.2f} ms)", more <= CGI_MS)


def sizes(result):
    """Each call with as many users as were asked for, against the first."""
    first = {}
    for cell in result.get("cells", []):
        name, found, users = cell.name.rpartition(", ")
        if not found or not users.endswith(" users") or not cell.rounds:
            continue
        if name not in first:
            first[name] = cell
            continue
        value = cell.ratio(first[name])
        yield (f"{name} with {users}",
               f"within {GROWTH:.0%} of fewest", f"{value:.2f} of the rate",
               value >= 1 - GROWTH)


def others(result):
    clients = result.get("clients")
    ours = find(result, "me", clients)
    for name, least in PEERS.items():
        cell = find(result, name, clients)
        if cell is not None and ours is not None:
            value = ours.ratio(cell)
            yield (f"me against {name}, {clients} clients",
                   f"at least {least} times", f"{value:.1f} times",
                   value > least if least == 1 else value >= least)


# ----------------------------------------------------------------- other forms


def plain(options, result):
    """As JSON has it, with each round's own figures."""
    return {
        "machine": machine(), "workers": options.workers,
        "cells": [{"name": cell.name, "clients": cell.clients,
                   "rounds": cell.rounds}
                  for cell in result.get("cells", [])],
        "curves": {what: {name: [{"x": x, **cell.figures()}
                                 for x, cell in points]
                          for name, points in lines.items()}
                   for what, lines in result.get("curves", {}).items()},
        **{name: result[name] for name in ("cgi", "login", "streams")
           if name in result},
        "budgets": [dict(zip(("name", "budget", "value", "met"), one))
                    for one in budgets(result)]}


def draw(options, result, path):
    picture = chart.Chart("switchboard, measured",
                          f"{machine()}; {options.workers} processes a program")
    if result.get("cells"):
        draw_cells(picture, result)
    if result.get("streams"):
        draw_streams(picture, result)
    for what, lines in result.get("curves", {}).items():
        picture.heading(f"Growth with {what}",
                        "processor time of the program a request, as a part of "
                        "that at the left; the line in orange is 15 % more")
        picture.curves({name: [(x, cell.median("program_us"))
                               for x, cell in points]
                        for name, points in lines.items()}, what, "times")
    picture.write(path)


def draw_cells(picture, result):
    clients = result["clients"]
    cells = [cell for cell in result["cells"] if cell.clients == clients
             and not cell.name.endswith((" users", "CGI", "processes"))]
    same = [cell for cell in cells if cell.name in PEERS or
            cell.name.startswith(("me", "constant", "static"))]
    picture.heading(
        f"Requests a second, {clients} clients, each request by another user",
        "the same work in the same run: a token verified, its login and user "
        "read, the request counted exactly, in SQLite")
    picture.bars([(cell.name, cell.median("rate"), "%s a second%s" % (
        f"{cell.median('rate'):,.0f}", ratio_of(result, cell)),
                   cell.name.startswith("me")) for cell in sorted(
                       same, key=lambda cell: -cell.median("rate"))])
    picture.heading("How long an answer takes, and the slowest of them",
                    f"{clients} clients, of which each sends its next request "
                    "when it has an answer")
    picture.spread([(cell.name, [cell.median(p) / 1e3 for p in (
        "p50", "p99", "p99.9")]) for cell in cells],
                   ("half", "99 %", "99.9 %"))
    grown = {}
    for cell in result["cells"]:
        name, _, users = cell.name.rpartition(", ")
        if users.endswith(" users"):
            grown.setdefault(name, []).append((
                int(users.split()[0].replace(",", "")),
                cell.median("program_us")))
    if grown:
        picture.heading("Growth with users",
                        "processor time of the program a request, as a part of "
                        "that at the left; the line in orange is 15 % more")
        picture.curves(grown, "users", "times")


def draw_streams(picture, result):
    picture.heading("Clients that wait for events",
                    "what is left to GET /api/auth/me beside them")
    picture.bars([(f"{one['streams']} wait", one["me"]["rate"],
                   f"{one['me']['rate']:,.0f} a second" + (
                       f", {one['pss'] / 1024:.1f} MiB each"
                       if one["streams"] else ""), True)
                  for one in result["streams"]])


def ratio_of(result, cell):
    base = find(result, "constant", cell.clients)
    return "" if base in (None, cell) else (
        f", {cell.ratio(base):.2f} of the constant program")
