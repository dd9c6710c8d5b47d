/** One rule in the plot. */
export interface PlotPoint {
  readonly name: string;
  /** Share of the jobs within the goal, 0 to 1. */
  readonly share: number;
  readonly dollars: number;
  /** Points of one group have one colour. */
  readonly group: "hearth" | "other";
}

const size = { width: 860, height: 520, left: 76, right: 230, top: 64, bottom: 64 };
const colours = { hearth: "#0b7a75", other: "#b4532a" };

/** Service against money: up and to the left is better. Returns an SVG document. */
export function paretoPlot(title: string, points: readonly PlotPoint[]): string {
  const dollars = points.map((point) => point.dollars);
  const shares = points.map(({ share }) => share);
  const x = scale([0, Math.max(...dollars) * 1.05], [size.left, size.width - size.right]);
  const lowest = Math.floor((Math.min(...shares) - 0.02) * 20) / 20;
  const y = scale([Math.max(0, lowest), 1], [size.height - size.bottom, size.top]);
  const marks = spread(points.map((point) => ({ point, at: y.of(point.share) })));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"`,
    ` viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(16, 26, title, `font-size="15" font-weight="600"`),
    ...x.ticks.map((tick) => verticalLine(x.of(tick), `$${round(tick)}`)),
    ...y.ticks.map((tick) => horizontalLine(y.of(tick), `${Math.round(tick * 100)} %`)),
    text(size.left, size.height - 14, "dollars for 1,000 images, all that was paid", ""),
    text(16, size.top - 14, "results within 60 s", ""),
    ...marks.map(({ point, at, labelAt }) => mark(point, x.of(point.dollars), at, labelAt)),
    "</svg>",
  ].join("\n");
}

interface Scale {
  readonly of: (value: number) => number;
  readonly ticks: readonly number[];
}

function scale(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const span = Math.max(1e-9, to - from);
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return { of: (value) => start + ((value - from) / span) * (end - start), ticks };
}

const labelHeight = 15;

/** Moves labels apart that would lie over each other, from the top down. */
function spread(
  marks: readonly { readonly point: PlotPoint; readonly at: number }[],
): readonly { readonly point: PlotPoint; readonly at: number; readonly labelAt: number }[] {
  let below = -Infinity;
  return marks
    .toSorted((left, right) => left.at - right.at)
    .map(({ point, at }) => {
      below = Math.max(at, below + labelHeight);
      return { point, at, labelAt: below };
    });
}

function mark(point: PlotPoint, x: number, y: number, labelAt: number): string {
  const colour = colours[point.group];
  const labelX = size.width - size.right + 14;
  return [
    `<line x1="${round(x)}" y1="${round(y)}" x2="${labelX - 4}" y2="${round(labelAt)}"`,
    ` stroke="${colour}" stroke-opacity="0.25"/>`,
    `<circle cx="${round(x)}" cy="${round(y)}" r="5" fill="${colour}"/>`,
    text(labelX, labelAt + 4, `${point.name}  $${point.dollars.toFixed(2)}`, `fill="${colour}"`),
  ].join("");
}

function verticalLine(x: number, label: string): string {
  const bottom = size.height - size.bottom;
  return (
    `<line x1="${round(x)}" y1="${size.top}" x2="${round(x)}" y2="${bottom}" stroke="#e3e3e3"/>` +
    text(x, bottom + 18, label, `text-anchor="middle" fill="#555555"`)
  );
}

function horizontalLine(y: number, label: string): string {
  const right = size.width - size.right;
  return (
    `<line x1="${size.left}" y1="${round(y)}" x2="${right}" y2="${round(y)}" stroke="#e3e3e3"/>` +
    text(size.left - 8, y + 4, label, `text-anchor="end" fill="#555555"`)
  );
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
