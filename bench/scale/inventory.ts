/** What mcpk and OpenSSH read about simulated hosts. Pure. */

/** As serve.sh gives them. */
export function addressOf(number: number): string {
  return `10.78.${String(Math.floor(number / 250))}.${String((number % 250) + 1)}`;
}

export interface Access {
  identityFile: string;
  knownHostsFile: string;
}

/** Three masters, the rest workers. JSON is YAML. */
export function inventoryText(count: number, { identityFile, knownHostsFile }: Access): string {
  const hosts = Array.from({ length: count }, (_, number) => ({
    name: `s${String(number)}`,
    address: addressOf(number),
    roles: [number < 3 ? 'master' : 'worker'],
  }));
  return JSON.stringify({
    apiVersion: 'mcpk/v1',
    kind: 'Cluster',
    name: 'scale',
    endpoint: { address: '10.78.255.1' },
    // Long: all hosts share the processors of one machine, which may be busy with other work.
    ssh: {
      user: 'root',
      agent: false,
      identityFiles: [identityFile],
      knownHostsFiles: [knownHostsFile],
      connectTimeout: 60,
    },
    hosts,
    // The default has 256 parts, too few for 500 hosts.
    network: { plugin: 'bridge', podCidr: '10.128.0.0/12' },
  });
}

/** One host key for all of them: `type base64`. */
export function knownHostsText(count: number, hostKey: string): string {
  return Array.from({ length: count }, (_, number) => `${addressOf(number)} ${hostKey}\n`).join('');
}

export function sshConfigText({ identityFile, knownHostsFile }: Access): string {
  return `Host *
  User root
  IdentityFile "${identityFile}"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "${knownHostsFile}"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  ControlMaster no
  KexAlgorithms curve25519-sha256
  LogLevel ERROR
`;
}
