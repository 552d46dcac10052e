/** As bin/dev.js, with two small stages in the place of mcpk's own: they need no systemd, and of binaries only that they are there. */
import { fromSources } from '../../../scripts/from-sources.ts';
import { main } from '../../../src/commands/main.ts';
import { directory, file } from '../../../src/states/build.ts';
import { STAGES } from '../../../src/states/index.ts';
import type { Stage } from '../../../src/states/stage.ts';

const FOLDER = '/etc/greeting';
/** Another one than hello does not pass the gate. */
const GREETING = process.env['GREETING'] ?? 'hello';

const greeting: Stage = {
  name: 'greeting',
  title: 'Greeting',
  needs: [],
  binaries: true,
  hosts: ({ hosts }) => hosts,
  states: ({ host }) => [directory(FOLDER), file(`${FOLDER}/text`, `${GREETING} from ${host.name}\n`)],
  rollout: (_cluster, _facts, changed) => changed.map((host) => [host]),
  gate: ({ hosts }) =>
    hosts.map((host) => ({
      title: `${host} greets`,
      host,
      asks: [{ host, argv: ['cat', `${FOLDER}/text`] }],
      check: (answers) => (answers.some(({ stdout }) => stdout.startsWith('hello')) ? undefined : 'is silent'),
      deadline: 1,
    })),
};

const farewell: Stage = {
  name: 'farewell',
  title: 'Farewell',
  needs: ['greeting'],
  hosts: ({ hosts }) => hosts.filter(({ roles }) => roles.includes('worker')),
  states: () => [directory(FOLDER.replace('greeting', 'farewell'))],
};

(STAGES as Stage[]).splice(0, STAGES.length, greeting, farewell);
await main(fromSources());
