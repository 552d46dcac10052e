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
  '^src/(inventory/types|states/stage|engine/(types|past/past-types)|cluster/(facts|gate)|resources/types|transport/types)\\.ts$';

const rooms = Object.entries(ROOMS).map(([room, may]) => ({
  name: `room-${room}`,
  comment: `src/${room} may import ${may.length === 0 ? 'nothing of src' : may.map((name) => `src/${name}`).join(', ')}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: [`^src/(${[room, ...may].join('|')})/`, CONTRACTS] },
}));

const only = (name, room, pattern) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${room}/` },
  to: { path: pattern },
});

export default {
  forbidden: [
    ...rooms,
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
