// Lines over time. What they show also stands in words, for those who see no picture.
import "uplot/dist/uPlot.min.css";

import { Text, Title, useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import UPlot from "uplot";

import { padded } from "../format";

export interface Line {
  label: string;
  /** A variable of the theme. */
  color: string;
  /** A pattern of strokes, so that lines are told apart without their colors. */
  dash?: number[];
  values: (number | null)[];
}

export interface ChartProps {
  title: string;
  unit: string;
  /** Seconds since 1970. */
  times: number[];
  lines: Line[];
  /** The least that the axis reaches to. */
  top: number;
}

const HEIGHT = 170;

export function Chart({ title, unit, times, lines, top }: ChartProps) {
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const now = lines.map(({ label, values }) => `${label} ${written(values.at(-1))}${unit}`).join(", ");
  return (
    <figure className="panel" style={{ margin: 0 }}>
      <figcaption>
        <Title order={2} size="h3">
          {title}
        </Title>
        <Text size="sm" component="div">
          {lines.map(({ label, color, dash, values }) => (
            <span key={label} style={{ marginRight: "1rem", whiteSpace: "nowrap" }}>
              <svg width="22" height="8" aria-hidden="true">
                <line
                  x1="0"
                  y1="4"
                  x2="22"
                  y2="4"
                  stroke={`var(${color})`}
                  strokeWidth="3"
                  strokeDasharray={dash?.join(" ")}
                />
              </svg>{" "}
              {label} {written(values.at(-1))}
              {unit}
            </span>
          ))}
        </Text>
      </figcaption>
      <Plot key={scheme} times={times} lines={lines} top={top} label={`${title} over the last minutes; now ${now}`} />
    </figure>
  );
}

/** The drawing itself; its colors are read once. */
function Plot({ times, lines, top, label }: Pick<ChartProps, "times" | "lines" | "top"> & { label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const data: UPlot.AlignedData = [times, ...lines.map(({ values }) => values)];
  const latest = useRef(data);
  useEffect(() => {
    latest.current = data;
    plot.current?.setData(data);
  });
  const shape = lines.map(({ label, color, dash }) => `${label} ${color} ${dash?.join(",") ?? ""}`).join("|");

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const style = getComputedStyle(element);
    const of = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: of("--mantine-color-dimmed"),
      grid: { stroke: of("--cts-line"), width: 1 },
      ticks: { show: false },
    };
    const series = shape.split("|").map((text) => {
      const [label, color, dash] = text.split(" ");
      const pattern = dash === undefined || dash === "" ? undefined : dash.split(",").map(Number);
      return {
        label: label ?? "",
        stroke: of(color ?? ""),
        width: 2,
        points: { show: false },
        ...(pattern && { dash: pattern }),
      };
    });
    const made = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(top, (most ?? 0) * 1.1)] } },
        axes: [
          { ...axis, values: (_, splits) => splits.map(clock) },
          { ...axis, size: 44 },
        ],
        series: [{}, ...series],
      },
      latest.current,
      element,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, top]);

  return <div ref={place} role="img" aria-label={label} style={{ minHeight: HEIGHT }} />;
}

function clock(seconds: number): string {
  const moment = new Date(seconds * 1000);
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((part) => padded(part)).join(":");
}

function written(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}
