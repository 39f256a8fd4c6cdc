"""An SVG to look at, written by hand: what is served a second, how long the
slow ones take, and how cost grows."""

import math
from xml.sax.saxutils import escape

INK, FAINT, PAPER = "#1d2733", "#c9d1d9", "#ffffff"
OURS, OTHERS, LIMIT = "#0b6bcb", "#8a96a3", "#d07b00"
COLOURS = ["#0b6bcb", "#d07b00", "#1a7f37", "#8250df", "#cf222e", "#57606a",
           "#0e8a8a"]
WIDTH, LEFT, ROW, MARGIN = 900, 250, 24, 24


class Chart:
    def __init__(self, title, subtitle):
        self.parts = []
        self.y = MARGIN + 20
        self.text(MARGIN, self.y, title, 20, weight="bold")
        self.y += 22
        self.text(MARGIN, self.y, subtitle, 12, fill="#57606a")
        self.y += 18

    def text(self, x, y, words, size=12, anchor="start", fill=INK,
             weight="normal"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
            f'text-anchor="{anchor}" font-weight="{weight}">'
            f'{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, colour=FAINT, width=1.0):
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width}"/>')

    def rectangle(self, x, y, width, height, colour):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
            f'height="{height:.1f}" fill="{colour}"/>')

    def dot(self, x, y, colour, radius=4.0):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" '
                          f'fill="{colour}"/>')

    def heading(self, words, more=""):
        self.y += 30
        self.text(MARGIN, self.y, words, 15, weight="bold")
        if more:
            self.y += 17
            self.text(MARGIN, self.y, more, 11, fill="#57606a")
        self.y += 12

    # ------------------------------------------------------------ the panels

    def bars(self, rows):
        """ROWS: (name, value, what stands behind it, whether it is ours)."""
        most = max((value for _, value, _, _ in rows), default=1)
        scale = (WIDTH - LEFT - 190) / most
        for name, value, remark, ours in rows:
            self.text(LEFT - 10, self.y + 15, name, anchor="end")
            self.rectangle(LEFT, self.y + 3, value * scale, ROW - 7,
                           OURS if ours else OTHERS)
            self.text(LEFT + value * scale + 8, self.y + 15, remark)
            self.y += ROW

    def spread(self, rows, marks):
        """ROWS: (name, a value for each of MARKS), on a scale of powers of
        ten."""
        values = [v for _, row in rows for v in row if v > 0]
        scale = Powers(min(values), max(values), LEFT, WIDTH - 60)
        for number, mark in enumerate(marks):
            self.dot(LEFT + 110 * number, self.y + 5, COLOURS[number])
            self.text(LEFT + 110 * number + 10, self.y + 9, mark, 11)
        self.y += 20
        top, bottom = self.y, self.y + ROW * len(rows)
        for value in scale.ticks():
            self.line(scale.at(value), top, scale.at(value), bottom + 4)
            self.text(scale.at(value), bottom + 18, f"{value:g} ms", 11,
                      "middle")
        for name, row in rows:
            self.text(LEFT - 10, self.y + 16, name, anchor="end")
            xs = [scale.at(v) for v in row if v > 0]
            self.line(min(xs), self.y + 12, max(xs), self.y + 12, FAINT, 2)
            for number, value in enumerate(row):
                if value > 0:
                    self.dot(scale.at(value), self.y + 12, COLOURS[number])
            self.y += ROW
        self.y += 24

    def curves(self, lines, along, unit, height=190):
        """LINES: {name: [(x, y)]}, x on a scale of powers of ten; y as a part
        of each line's first."""
        xs = [x for points in lines.values() for x, _ in points]
        scale = Powers(min(xs), max(xs), LEFT, WIDTH - 190)
        relative = {name: [(x, y / points[0][1]) for x, y in points]
                    for name, points in lines.items()}
        most = max(1.5, max(y for points in relative.values()
                            for _, y in points) * 1.1)
        top = self.y

        def at(y):
            return top + height - height * y / most

        steps = next(s for s in (0.25, 0.5, 1, 2, 5, 10, 25, 100, 1000)
                     if most / s <= 7)
        for n in range(int(most / steps) + 1):
            self.line(LEFT, at(n * steps), WIDTH - 190, at(n * steps))
            self.text(LEFT - 8, at(n * steps) + 4, f"{n * steps:g}", 11, "end")
        self.line(LEFT, at(1.15), WIDTH - 190, at(1.15), LIMIT, 1)
        for x in sorted(set(xs)):
            self.text(scale.at(x), top + height + 16, f"{x:,}", 11, "middle")
        self.text((LEFT + WIDTH - 190) / 2, top + height + 33, along, 11,
                  "middle")
        self.text(MARGIN, top + 10, unit, 11)
        self.lines(relative, scale, at)
        self.y = top + height + 36

    def lines(self, relative, scale, at):
        """The curves, and their names beside their ends, one below the
        other."""
        taken = []
        for number, (name, points) in enumerate(sorted(
                relative.items(), key=lambda item: -item[1][-1][1])):
            colour = COLOURS[number % len(COLOURS)]
            for a, b in zip(points, points[1:]):
                self.line(scale.at(a[0]), at(a[1]), scale.at(b[0]), at(b[1]),
                          colour, 2)
            for x, y in points:
                self.dot(scale.at(x), at(y), colour, 3)
            y = max([at(points[-1][1])] + [t + 14 for t in taken[-1:]])
            taken.append(y)
            self.text(scale.at(points[-1][0]) + 10, y + 4, name, 11,
                      fill=colour)

    def write(self, path):
        height = self.y + MARGIN
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
                f'height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}" '
                'font-family="DejaVu Sans, Verdana, sans-serif">\n'
                f'<rect width="{WIDTH}" height="{height:.0f}" '
                f'fill="{PAPER}"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


class Powers:
    """A scale of powers of ten."""

    def __init__(self, least, most, left, right):
        self.least, self.most = least / 1.2, most * 1.2
        self.left, self.right = left, right

    def at(self, value):
        return self.left + (self.right - self.left) * (
            math.log10(value / self.least) / math.log10(self.most / self.least))

    def ticks(self):
        return [value for power in range(-3, 8) for value in [10.0 ** power]
                if self.least <= value <= self.most]
