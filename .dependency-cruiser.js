// The third column of the table of rooms: what each folder may import. Everybody may import the *types* of the
// inventory and of a stage, which are the contracts between the rooms.
const ROOMS = {
  core: [],
  transport: ['core'],
  inventory: ['core'],
  render: ['core'],
  pki: ['core'],
  resources: ['core'],
  artifacts: ['core'],
  cluster: ['transport', 'core'],
  states: ['resources', 'cluster', 'pki', 'render', 'core'],
  engine: ['resources', 'cluster', 'transport', 'pki', 'core'],
  report: ['core'],
};

const CONTRACTS =
  '^src/(artifacts/types|inventory/types|states/(stage|wishes/wish)|engine/(types|past/past-types)|cluster/(facts|gate)|resources/types|transport/types)\\.ts$';

const rooms = Object.entries(ROOMS).map(([room, may]) => ({
  name: `room-${room}`,
  comment: `src/${room} may import ${may.length === 0 ? 'nothing of src' : may.map((name) => `src/${name}`).join(', ')}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: [`^src/(${[room, ...may].join('|')})/`, CONTRACTS] },
}));

// The rooms inside of the engine, and what each may import of the others; all of them may import the two files beside
// them. `work` changes hosts and `read` never does, so neither knows the other.
const ENGINE = {
  plan: [],
  wire: ['plan'],
  hosts: ['wire', 'plan'],
  past: ['hosts', 'wire', 'plan'],
  read: ['past', 'hosts', 'wire', 'plan'],
  work: ['past', 'hosts', 'wire', 'plan'],
  runs: ['work', 'read', 'past', 'hosts', 'wire', 'plan'],
};

const engineRooms = [
  ...Object.entries(ENGINE).map(([room, may]) => ({
    name: `engine-${room}`,
    comment: `src/engine/${room} may import of the engine: ${[...may, 'types.ts', 'input.ts'].join(', ')}`,
    severity: 'error',
    from: { path: `^src/engine/${room}/` },
    to: { path: '^src/engine/', pathNot: `^src/engine/((${[room, ...may].join('|')})/|(types|input)\\.ts$)` },
  })),
  {
    name: 'engine-ground',
    comment: 'types.ts and input.ts import no room of the engine',
    severity: 'error',
    from: { path: '^src/engine/(types|input)\\.ts$' },
    to: { path: '^src/engine/', pathNot: '^src/engine/types\\.ts$' },
  },
  {
    name: 'engine-has-rooms',
    comment: 'a file of the engine lies in one of its rooms; a new room goes into the table above',
    severity: 'error',
    from: { path: '^src/engine/', pathNot: `^src/engine/((${Object.keys(ENGINE).join('|')})/|(types|input)\\.ts$)` },
    to: {},
  },
  {
    name: 'engine-plan-asks-no-host',
    comment: 'what is planned, and what only describes hosts (render), loads no transport',
    severity: 'error',
    from: { path: '^src/engine/plan/' },
    to: { path: '^src/transport/', pathNot: CONTRACTS },
  },
  {
    name: 'engine-doors',
    comment: 'commands enter the engine by its runs; what asks no host, they may take from plan',
    severity: 'error',
    from: { path: '^src/commands/' },
    to: { path: '^src/engine/', pathNot: ['^src/engine/((runs|plan)/|input\\.ts$)', CONTRACTS] },
  },
];

const only = (name, room, pattern) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${room}/` },
  to: { path: pattern },
});

export default {
  forbidden: [
    ...rooms,
    ...engineRooms,
    {
      name: 'contracts-are-types',
      comment:
        'a contract of another room is imported for its types, or for the few pure helpers that stand beside them',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/(?!core/)' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    only('ssh2-only-in-transport', 'transport', '(^|/)node_modules/(@types/)?ssh2/'),
    only('listr2-only-in-report', 'report', '(^|/)node_modules/listr2/'),
    only('oclif-only-in-commands', 'commands', '(^|/)node_modules/@oclif/'),
    {
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(lab|test|bench|scripts)/' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
