import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By name, never by how long they took last time: most files on the lab take it as the one before leaves it. */
class ByName extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1)));
  }
}

const quick = {
  disableConsoleIntercept: true,
  restoreMocks: true,
  unstubEnvs: true,
  // What is tried is the same whoever runs it.
  env: { GITHUB_ACTIONS: '', GITLAB_CI: '' },
};

export default defineConfig({
  test: {
    // Also on two processors: what waits for a process does not need one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    globalSetup: ['test/support/scratch.ts'],
    sequence: { sequencer: ByName },
    projects: [
      {
        test: {
          ...quick,
          name: 'unit',
          // A test that hangs ends; one on a busy machine only takes longer.
          testTimeout: 60_000,
          include: ['test/**/*.test.ts'],
          exclude: ['host-scripts', 'transport', 'hostile', 'package', 'e2e', 'faults'].map(
            (folder) => `test/${folder}/**`,
          ),
          // No file leaves a thing behind that another one sees; a hundred times the imports take half of the time.
          isolate: false,
          // Node strips the types itself, as for bin/dev.js; nothing here is mocked as a module.
          experimental: { viteModuleRunner: false, nodeLoader: false },
        },
      },
      // Scripts of the hosts, by real shells in a scratch root.
      { test: { ...quick, name: 'host-scripts', include: ['test/host-scripts/**/*.test.ts'], testTimeout: 60_000 } },
      // Against a real sshd on a port of its own.
      { test: { ...quick, name: 'transport', include: ['test/transport/**/*.test.ts'], testTimeout: 30_000 } },
      // Hosts and mirrors that were taken over: the worst that each may say or serve, and what others notice of it. It works
      // the processor.
      {
        test: {
          ...quick,
          name: 'hostile',
          include: ['test/hostile/**/*.test.ts'],
          testTimeout: 60_000,
          // Most of them wait for an end that a hostile host does not make.
          maxConcurrency: 12,
        },
      },
      {
        test: {
          ...quick,
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      // On the lab: one after the other, as they share five hosts.
      ...['e2e', 'faults'].map((name, index) => ({
        test: {
          ...quick,
          name,
          include: [`test/${name}/**/*.test.ts`],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { concurrent: false, groupOrder: index + 1 },
        },
      })),
    ],
  },
});
