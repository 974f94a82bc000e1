// The last hour at most, from the moment on at which this page was opened.
import { SimpleGrid, Text } from "@mantine/core";

import { useHistory } from "../../api/history";
import { Chart } from "../../parts/chart";

export function Charts() {
  const samples = useHistory();
  if (samples.length < 2) {
    return (
      <div className="panel" style={{ minHeight: "16rem" }}>
        <Text c="dimmed">The charts begin with the second look, in a few seconds.</Text>
      </div>
    );
  }
  const times = samples.map(({ at }) => at);
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }}>
      <Chart
        title="Machine"
        unit=" %"
        top={100}
        times={times}
        lines={[
          { label: "processors", color: "--cts-busy", values: samples.map(({ processors }) => processors) },
          { label: "memory", color: "--cts-magenta", dash: [6, 4], values: samples.map(({ memory }) => memory) },
        ]}
      />
      <Chart
        title="Runs"
        unit=""
        top={4}
        times={times}
        lines={[
          { label: "running", color: "--cts-busy", values: samples.map(({ running }) => running) },
          { label: "queued", color: "--cts-warn", dash: [6, 4], values: samples.map(({ queued }) => queued) },
        ]}
      />
      <Chart
        title="Requests a second"
        unit=""
        top={1}
        times={times}
        lines={[{ label: "requests", color: "--cts-ok", values: samples.map(({ requests }) => requests) }]}
      />
    </SimpleGrid>
  );
}
