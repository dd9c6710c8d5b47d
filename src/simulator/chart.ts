/** A named line or bar; equal names have equal colours wherever they appear. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly format: (value: number) => string;
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
}

const size = { width: 860, height: 480, left: 76, right: 190, top: 64, bottom: 62 };
const plot = {
  right: size.width - size.right,
  bottom: size.height - size.bottom,
  width: size.width - size.right - size.left,
  height: size.height - size.bottom - size.top,
};

/** Lines over one another, with a legend at the right. Returns an SVG document. */
export function lineChart(chart: Chart, series: readonly Series[]): string {
  const lines = series.map(({ colour, points }) => {
    const path = points.map(([x, y]) => `${across(chart.x, x)},${up(chart.y, y)}`).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2.2"/>`;
  });
  const legend = series.map(({ name, colour }, index) => {
    const y = size.top + 12 + 24 * index;
    const x = plot.right + 18;
    return (
      `<line x1="${x}" y1="${y}" x2="${x + 22}" y2="${y}" stroke="${colour}" stroke-width="3"/>` +
      text(x + 30, y + 4, name, `fill="#333333"`)
    );
  });
  return document(chart, [...ticksOf(chart.x, verticalLine), ...lines, ...legend]);
}

/** One bar a series, of the height of its first point. Returns an SVG document. */
export function barChart(chart: Omit<Chart, "x">, series: readonly Series[]): string {
  const room = (size.width - size.left - 24) / Math.max(1, series.length);
  const bars = series.map(({ name, colour, points }, index) => {
    const value = points[0]?.[1] ?? 0;
    const [x, y] = [size.left + room * (index + 0.2), up(chart.y, value)];
    const middle = x + room * 0.3;
    return [
      `<rect x="${round(x)}" y="${y}" width="${round(room * 0.6)}"`,
      ` height="${round(plot.bottom - y)}" fill="${colour}"/>`,
      text(middle, y - 8, chart.y.format(value), `text-anchor="middle" fill="#333333"`),
      text(middle, plot.bottom + 20, name, `text-anchor="middle" fill="#333333"`),
    ].join("");
  });
  return document(chart, bars, size.width - 24);
}

/** The least of 1, 2, 5, 10, … whose multiples cover `span` in at most `most` steps. */
export function roundStep(span: number, most: number): number {
  const rough = Math.max(1e-9, span / most);
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? rough;
}

function document(
  chart: { readonly title: string; readonly y: Axis; readonly x?: Axis },
  content: readonly string[],
  right = plot.right,
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"`,
    ` viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="13">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(size.left, 28, chart.title, `font-size="16" font-weight="600" fill="#111111"`),
    text(size.left, size.top - 12, chart.y.title, `fill="#555555"`),
    ...ticksOf(chart.y, (axis, value) => horizontalLine(axis, value, right)),
    ...content,
    chart.x === undefined
      ? ""
      : text(plot.right, size.height - 14, chart.x.title, `text-anchor="end" fill="#555555"`),
    "</svg>",
  ].join("\n");
}

function ticksOf(axis: Axis, draw: (axis: Axis, value: number) => string): readonly string[] {
  const count = Math.floor((axis.to - axis.from) / axis.step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => draw(axis, axis.from + index * axis.step));
}

function verticalLine(axis: Axis, value: number): string {
  const x = across(axis, value);
  return (
    `<line x1="${x}" y1="${size.top}" x2="${x}" y2="${plot.bottom}" stroke="#e6e6e6"/>` +
    text(x, plot.bottom + 20, axis.format(value), `text-anchor="middle" fill="#555555"`)
  );
}

function horizontalLine(axis: Axis, value: number, right: number): string {
  const y = up(axis, value);
  return (
    `<line x1="${size.left}" y1="${y}" x2="${right}" y2="${y}" stroke="#e6e6e6"/>` +
    text(size.left - 10, y + 4, axis.format(value), `text-anchor="end" fill="#555555"`)
  );
}

function across(axis: Axis, value: number): number {
  return round(size.left + (plot.width * (value - axis.from)) / (axis.to - axis.from));
}

function up(axis: Axis, value: number): number {
  return round(plot.bottom - (plot.height * (value - axis.from)) / (axis.to - axis.from));
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
