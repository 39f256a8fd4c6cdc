"""Explains what came of calls that overlapped: is there an order of their steps,
each call's between its beginning and its end, in which the model gives these
answers?  All worlds to which such orders lead are kept, as later answers may
tell which of them it was (Wing and Gong, Testing and verifying concurrent
objects, 1993)."""

from typing import NamedTuple

from steps import Expect, Memo
from values import Differs, shown

# What takes something away that calls which are under way have looked at.
VOLATILE = {
    ("POST", "/api/auth/refresh"), ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/logout-all"), ("DELETE", "/api/auth/sessions/{id}"),
    ("DELETE", "/api/auth/keys/{id}"), ("PATCH", "/api/auth/me"),
    ("DELETE", "/api/auth/me"), ("POST", "/api/auth/password"),
    ("PATCH", "/api/sessions/{id}"),
}
DONE = -1


class Unexplained(Exception):
    """No order of the calls leads to these answers."""


class Node(NamedTuple):
    world: object
    places: tuple               # how many steps of each call are done, or DONE
    memos: tuple


class Search:
    """Over the calls of one round, from one or more worlds."""

    def __init__(self, callings):
        self.callings = callings
        self.seen = {}
        self.worlds = []
        self.failures = []
        self.nearest = -1       # the most calls that could be explained
        volatile = any(c.route is not None and
                       (c.route.method, c.route.path) in VOLATILE
                       for c in callings)
        limited = any(callings[0].settings[:5])
        # How many steps of a call nobody else's can tell from one.
        self.joined = 99 if len(callings) == 1 else 1 if volatile else \
            2 if limited else 99

    def run(self, worlds):
        none = len(self.callings)
        left = [Node(world, (0,) * none, (Memo(),) * none) for world in worlds]
        while left:
            node = left.pop()
            if all(place == DONE for place in node.places):
                if node.world not in self.worlds:
                    self.worlds.append(node.world)
                continue
            left += [after for after in self.successors(node)
                     if self.is_new(after)]
        if not self.worlds:
            raise Unexplained(self.report())
        return self.worlds

    def successors(self, node):
        """Where an answer fits that changes nothing, no other order has to be
        tried: a look that could come later could as well come now."""
        found = []
        for n in self.may_go_on(node):
            after = self.go_on(node, n)
            if after is None:
                continue
            if after.places[n] == DONE and after.world is node.world:
                return [after]
            found.append(after)
        return found

    def is_new(self, node):
        others = self.seen.setdefault(node.places, [])
        if node in others:
            return False
        others.append(node)
        return True

    def may_go_on(self, node):
        """Whoever began before all that are under way had ended."""
        calls = [c.call for c in self.callings]
        ends = min(call.ended for call, place in zip(calls, node.places)
                   if place != DONE)
        return [n for n, place in enumerate(node.places) if place > 0 or
                (place == 0 and calls[n].begun <= ends)]

    def go_on(self, node, n):
        """The node after the next step of a call; None if it leads nowhere."""
        calling, world = self.callings[n], node.world
        place, memo = node.places[n], node.memos[n]
        last = max(place + 1, self.joined)
        while place < last:
            done = calling.steps[place](calling, world, memo)
            place += 1
            if isinstance(done, Expect):
                return self.finish(node, n, done)
            world, memo = done
            if memo.limit is not None and \
                    not calling.can_have_counted(memo.limit):
                self.note(node, n, None, Differs(
                    f"{memo.limit} is not what the header says"))
                return None
        return self.after(node, n, world, place, memo)

    @staticmethod
    def after(node, n, world, place, memo):
        return Node(world, node.places[:n] + (place,) + node.places[n + 1:],
                    node.memos[:n] + (memo,) + node.memos[n + 1:])

    def finish(self, node, n, expect):
        try:
            world = self.callings[n].hold(expect)
        except Differs as differs:
            self.note(node, n, expect, differs)
            return None
        return self.after(node, n, world, DONE, Memo())

    def note(self, node, n, expect, differs):
        """Keeps what went wrong where most had gone well."""
        explained = node.places.count(DONE)
        if explained > self.nearest:
            self.nearest, self.failures = explained, []
        if explained == self.nearest and len(self.failures) < 20:
            order = [c.call.number for c, place in
                     zip(self.callings, node.places) if place == DONE]
            self.failures.append((order, self.callings[n].call.number,
                                  differs, expect))

    def report(self):
        lines = [f"{len(self.callings)} calls that no order explains:"]
        first = min(c.call.begun for c in self.callings)
        for calling in self.callings:
            call = calling.call
            lines += [f"  {call}",
                      f"    from {(call.begun - first) * 1000:.2f} to "
                      f"{(call.ended - first) * 1000:.2f} ms: {call.answer}"]
        lines.append("the model would have said, at the most:")
        said = set()
        for order, number, differs, expect in self.failures:
            text = f"  #{number}" + (f" after {order}" if order else "") + \
                f": {differs}"
            if text in said:
                continue
            said.add(text)
            lines.append(text)
            if expect is not None:
                body = str(shown(expect.body, expect.world.known))
                lines += [f"    {expect.status} {body[:600]}"]
        return "\n".join(lines)


def explain(worlds, callings):
    return Search(callings).run(worlds)
