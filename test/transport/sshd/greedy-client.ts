/**
 * `greedy-client TARGET COMMAND…`: streams what a command prints on a host (a {@link Target} as JSON) and keeps none of it;
 * says how many bytes came, and the most memory that this took in MB.
 */
import { readFileSync } from 'node:fs';
import { connect } from '../../../src/transport/connect.ts';
import type { Target } from '../../../src/transport/types.ts';

async function main([target = '', ...argv]: readonly string[]): Promise<void> {
  const session = await connect(JSON.parse(target) as Target, {
    signal: new AbortController().signal,
    lock: { kind: 'none', who: 'test' },
    code: {},
  });
  const { bytes } = await session.download({ argv, most: Number.MAX_SAFE_INTEGER, onData: () => undefined });
  await session.close();
  // Not process.resourceUsage(): that begins with what the process had that this one was forked from.
  const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
  process.stdout.write(`${JSON.stringify({ bytes, peak })}\n`);
}

void main(process.argv.slice(2));
