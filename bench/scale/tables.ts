import type { Spread } from '../measure.ts';
import { drawPlot } from '../plot.ts';
import { duration } from '../report.ts';
import type { Table } from '../types.ts';
import type { Figures } from './measure.ts';

export function tablesOf(all: readonly Figures[]): Table[] {
  const times = all.map(({ count, noop, changed, xargs, resources }) => [
    String(count),
    String(resources),
    range(noop),
    range(xargs),
    `${(noop.median / xargs.median).toFixed(2)} ×`,
    range(changed),
    `${(changed.median / noop.median).toFixed(2)} ×`,
  ]);
  const costs = all.map(({ count, cost }) => [
    String(count),
    `${cost.peakMegabytes.toFixed(0)} MB`,
    `${cost.cpuSeconds.toFixed(2)} s`,
    `${((cost.cpuSeconds / count) * 1000).toFixed(1)} ms`,
    `${cost.stallMs.toFixed(0)} ms`,
    String(cost.roundTrips),
    `${(cost.bytes / count / 1000).toFixed(1)} kB`,
  ]);
  return [
    {
      title: 'Simulated hosts, wall time of the whole process',
      head: ['hosts', 'resources', 'nothing to do', 'xargs -P16 ssh', 'ratio', 'one file changed', 'to nothing to do'],
      rows: times,
    },
    {
      title: 'What a run with nothing to do costs mcpk',
      head: ['hosts', 'peak memory', 'CPU', 'CPU a host', 'longest stall', 'round trips a host', 'bytes a host'],
      rows: costs,
    },
  ];
}

function range({ median, min, max }: Spread): string {
  return `${duration(median)} (${duration(min)}–${duration(max)})`;
}

export function picture(all: readonly Figures[]): string {
  const line = (
    name: string,
    of: (figures: Figures) => Spread,
  ): { name: string; points: { x: number; y: number }[] } => ({
    name,
    points: all.map((figures) => ({ x: figures.count, y: of(figures).median })),
  });
  return drawPlot({
    title: 'Time of one run over simulated hosts',
    x: 'hosts',
    y: 'seconds',
    series: [
      line('xargs -P16 ssh, reads', (figures) => figures.xargs),
      line('mcpk, nothing to do', (figures) => figures.noop),
      line('mcpk, one file changed', (figures) => figures.changed),
    ],
  });
}
