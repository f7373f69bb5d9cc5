// The last hour of one campaign, drawn anew every few seconds.

const EVERY_MS = 5000;
const HEIGHT = 260;
const LINES = ["Calls going out", "Waiting for an agent", "In conversation", "Agents busy", "Answers in the minute"];
const DASHES = [[], [2, 3], [], [8, 4], [1, 4]];

const holder = document.getElementById("chart");
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = matchMedia("(prefers-color-scheme: dark)");
let chart = null;

function options() {
  const axis = { stroke: color("--soft"), grid: { stroke: color("--line") }, ticks: { stroke: color("--line") } };
  const strokes = ["--accent", "--bad", "--good", "--warn", "--ink"].map(color);
  return {
    width: holder.clientWidth,
    height: HEIGHT,
    scales: { y: { range: (_, _low, high) => [0, Math.max(5, high)] } },
    axes: [axis, { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }],
    series: [
      {},
      ...LINES.map((label, n) => ({ label, stroke: strokes[n], width: 2, dash: DASHES[n], points: { show: false } })),
    ],
  };
}

async function draw() {
  if (document.hidden) return;
  const answer = await fetch(holder.dataset.from).catch(() => null);
  if (!answer?.ok) return; // signed out, or the server restarts: the page itself will say so
  const lines = await answer.json();
  if (chart) return chart.setData(lines);
  chart = new uPlot(options(), lines, holder);
}

dark.addEventListener("change", () => {
  chart?.destroy();
  chart = null;
  draw();
});
addEventListener("resize", () => chart?.setSize({ width: holder.clientWidth, height: HEIGHT }));
draw();
setInterval(draw, EVERY_MS);
