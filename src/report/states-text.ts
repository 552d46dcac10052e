import type { HostStates, StateTree } from '../engine/types.ts';
import { API } from '../core/places.ts';
import type { Resource } from '../resources/types.ts';
import { toJson } from './json.ts';
import { clean, paint, type Theme } from './theme.ts';
import { truncate } from './wrap.ts';

export interface StatesOptions {
  hosts: readonly string[];
  verbose: boolean;
  /** Stages of the API: of others hosts are told when they are not known yet. */
  ofApi: ReadonlySet<string>;
  /** How a resource is named. */
  ref: (resource: Resource) => string;
}

/** Compiled states of hosts, in the order in which they converge; `verbose` shows each value in full. */
export function renderStates(tree: StateTree, theme: Theme, options: StatesOptions): string {
  const lines: string[] = [];
  for (const name of options.hosts) {
    lines.push(paint(theme, ['bold', 'cyan'], name));
    for (const stage of tree.stages) {
      const states = stage.hosts.find((each) => each.host === name);
      if (states && states.resources.length > 0) lines.push(...renderHost(states, theme, options));
      else if (stage.deferred && options.ofApi.has(stage.name) === (name === API))
        lines.push(`  ${stage.name}: known after ${stage.deferred.until} (${stage.deferred.why})`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function renderHost(states: HostStates, theme: Theme, { verbose, ref }: StatesOptions): string[] {
  const resources = states.resources.flatMap((resource) => [
    truncate(theme, `    ${ref(resource)}${paint(theme, 'dim', brief(resource))}`),
    ...(verbose ? full(resource).map((line) => `      ${line}`) : []),
  ]);
  return [`  ${paint(theme, 'bold', states.stage)}`, ...resources];
}

function brief(resource: Resource): string {
  switch (resource.kind) {
    case 'file':
    case 'directory':
      return `  ${resource.mode} ${resource.owner}:${resource.group}`;
    case 'link':
      return `  -> ${resource.target}`;
    case 'sysctl':
      return ` = ${resource.value}`;
    case 'unit':
      return `  ${resource.state}, ${resource.enabled ? 'enabled' : 'disabled'}`;
    case 'binary':
      return `  ${resource.version}`;
    case 'certificate':
      return `  CN=${resource.subject.CN}`;
    case 'package':
      return resource.hold ? '  held' : '';
    default:
      return '';
  }
}

function full(resource: Resource): string[] {
  const { kind: _, ...rest } = toJson(resource) as Record<string, unknown>;
  return Object.entries(rest).flatMap(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const [first = '', ...more] = text.trimEnd().split('\n');
    return more.length === 0
      ? [`${key}: ${clean(first)}`]
      : [`${key}:`, ...[first, ...more].map((line) => `  | ${clean(line)}`)];
  });
}
