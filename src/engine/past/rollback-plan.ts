import { PATHS } from '../../core/paths.ts';
import type { Change, Verb } from '../../resources/types.ts';
import type { PlanItem } from '../types.ts';
import type { Generation } from './generations.ts';

/** A generation as the changes that putting it back makes, in that order. */
export function itemsOf({ run, lines }: Generation): PlanItem[] {
  const paths = lines.toReversed().flatMap((line) => pathItem(run, line));
  const units = lines.flatMap((line) => unitItem(run, line, lines));
  return [...paths, ...units];
}

function pathItem(run: string, line: string): PlanItem[] {
  const [tag = '', ...words] = line.split(' ');
  const text = words.join(' ');
  if (text === `.${PATHS.owned}`) return [];
  switch (tag) {
    case 'kept':
      return [item('file', text.slice(1), 'update', `as before ${run}`)];
    case 'made':
    case 'grown':
      return [item('file', text.slice(1), 'remove', `not there before ${run}`)];
    case 'access':
      return [item('file', words.slice(2).join(' ').slice(1), 'update', `mode ${words[0]}, owner ${words[1]}`)];
    case 'folder':
      return [item('directory', words.slice(2).join(' ').slice(1), 'create', `there before ${run}`)];
    case 'sysctl':
      return [item('sysctl', words[0] ?? '', 'update', `back to ${words.slice(1).join(' ')}`)];
    default:
      return [];
  }
}

/** What a unit is brought to: the same choice as quiet_unit and wake_unit of converge/undo.sh make on the host. */
function unitItem(run: string, line: string, lines: readonly string[]): PlanItem[] {
  const [tag, name = '', enabled = '', active = ''] = line.split(' ');
  if (tag !== 'unit') return [];
  const did = (...actions: string[]): boolean =>
    actions.some((action) => lines.some((each) => each.startsWith(`did ${name} ${action} `)));
  const ran = ['active', 'activating', 'reloading'].includes(active);
  if (!ran && did('start', 'restart')) return [item('unit', name, 'stop', `did not run before ${run}`)];
  if (ran && did('restart', 'start', 'stop')) return [item('unit', name, 'restart', `as it was before ${run}`)];
  if (ran && did('reload')) return [item('unit', name, 'reload', `as it was before ${run}`)];
  if (did('enable', 'disable')) return [item('unit', name, 'enable', `${enabled} before ${run}`)];
  return [];
}

function item(kind: string, title: string, verb: Verb, reason: string): PlanItem {
  const comparison: Change = { result: 'change', verb, reasons: [reason], hash: '', rests: '' };
  return { ref: `${kind}:${title}`, title, kind, comparison };
}
