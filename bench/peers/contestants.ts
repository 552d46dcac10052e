/** Ansible, Ansible with Mitogen and pyinfra, each run in the folder that folder.ts wrote, each result checked. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SSH_CONFIG } from '../../lab/keys.ts';
import { KEX } from '../floor.ts';
import type { Contestant } from '../measure.ts';

/** What a run must have done: nothing, something, or whatever was needed. */
export type Expected = 'nothing' | 'something';

export interface Peers {
  /** The virtual environment. */
  environment: string;
  /** Where hosts.json and the programs lie. */
  folder: string;
  /** Without what takes minutes a run. */
  quick: boolean;
}

/** Sockets of Ansible's own connection sharing, which a run may use within itself but not from an earlier run. */
const SOCKETS = '/tmp/mcpk-bench-cp';

export async function peers(
  { environment, folder, quick }: Peers,
  expected: Expected,
): Promise<Record<string, Contestant>> {
  const [python = ''] = await readdir(join(environment, 'lib'));
  const ansible: Contestant = {
    argv: [join(environment, 'bin/ansible-playbook'), 'playbook.yml'],
    cwd: folder,
    env: {
      PATH: `${join(environment, 'bin')}:${process.env['PATH'] ?? ''}`,
      ANSIBLE_HOME: join(folder, '.ansible'),
      ANSIBLE_NOCOLOR: '1',
      ANSIBLE_SSH_ARGS: `-F ${SSH_CONFIG} -o ControlMaster=auto -o ControlPersist=60s ${KEX.join(' ')}`,
      ANSIBLE_SSH_CONTROL_PATH_DIR: SOCKETS,
    },
    async before() {
      await rm(SOCKETS, { recursive: true, force: true });
      await mkdir(SOCKETS, { mode: 0o700 });
    },
    check: ({ stdout }) => {
      confirm('Ansible', ansibleChanges(stdout), expected, stdout);
    },
  };
  const plugins = join(environment, 'lib', python, 'site-packages/ansible_mitogen/plugins/strategy');
  return {
    ...(quick ? {} : { 'Ansible, pipelining': { ...ansible, most: 2 } }),
    'Ansible, Mitogen': {
      ...ansible,
      env: { ...ansible.env, ANSIBLE_STRATEGY: 'mitogen_linear', ANSIBLE_STRATEGY_PLUGINS: plugins },
    },
    pyinfra: {
      argv: [join(environment, 'bin/pyinfra'), '-y', 'inventory.py', 'deploy.py'],
      cwd: folder,
      check: ({ stdout, stderr }) => {
        confirm('pyinfra', pyinfraChanges(stdout + stderr), expected, stdout + stderr);
      },
    },
  };
}

function confirm(name: string, changes: number | undefined, expected: Expected, said: string): void {
  const right = expected === 'nothing' ? changes === 0 : changes !== undefined && changes > 0;
  if (!right)
    throw new Error(`${name} changed ${String(changes)}, and ${expected} was to be changed\n${said.slice(-3000)}`);
}

/** Sum of `changed=` in the recap; undefined without a recap. Failures end Ansible with another exit code. */
export function ansibleChanges(said: string): number | undefined {
  const recap = said.split('PLAY RECAP').at(1);
  if (recap === undefined) return undefined;
  return [...recap.matchAll(/changed=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Operations of the last line that changed a host; undefined without that line. */
export function pyinfraChanges(said: string): number | undefined {
  const total = /Grand total\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)/.exec(said);
  if (total === null || total[3] !== '-') return undefined;
  return total[2] === '-' ? 0 : Number(total[2]);
}
