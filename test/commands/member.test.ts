import { expect, it } from 'vitest';
import { inventory, INVENTORY, mcpk } from './support.ts';

const WORKER = '  - { name: w1, address: 10.9.0.21, roles: [worker] }\n';

it.each([[['etcd', 'recover', '--from', 'w1']], [['etcd', 'rehearse', 'lab.mcpk-etcd.tar', '--on', 'w1']]])(
  '%j: the host is one that carries etcd',
  async (words) => {
    const { code, stderr } = await mcpk([...words, '-i', await inventory(INVENTORY.replace('network:', `${WORKER}network:`))]); // prettier-ignore
    expect(code).toBe(64);
    expect(stderr).toContain('w1: no host that carries etcd');
    expect(stderr).toContain('Name one of m1, m2, m3.');
  },
);
