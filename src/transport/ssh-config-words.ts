/**
 * What mcpk makes of each option of ssh_config(5). An option that is in none of these lists is refused too: that a
 * later OpenSSH has more of them must not make mcpk connect to somebody else, or in another way, than `ssh -F` does.
 */

/** Heeded, as `ssh` does. `Host`, `Match` and `Include` are the structure of the file. */
export const UNDERSTOOD = [
  'AddressFamily',
  'GlobalKnownHostsFile',
  'Host',
  'HostKeyAlias',
  'HostName',
  'IdentitiesOnly',
  'IdentityAgent',
  'IdentityFile',
  'Include',
  'Match',
  'Port',
  'ProxyJump',
  'RevokedHostKeys',
  'User',
  'UserKnownHostsFile',
] as const;

export type Understood = (typeof UNDERSTOOD)[number];

/** Conditions of `Match` that are heeded, each also as `!condition`. */
export const CONDITIONS = ['all', 'host', 'originalhost', 'user', 'localuser'] as const;

/** Heeded with these values, with which they ask for nothing that mcpk would not do; refused with others. */
export const BY_VALUE: Readonly<Record<string, readonly string[]>> = {
  CanonicalizeHostname: ['no', 'none'],
  CertificateFile: ['none'],
  HostbasedAuthentication: ['no'],
  KnownHostsCommand: ['none'],
  PKCS11Provider: ['none'],
  ProxyCommand: ['none'],
  PubkeyAuthentication: ['yes', 'unbound', 'host-bound'],
};

/**
 * Passed over: whatever they say, mcpk talks to the same host in the same way. It opens one session of its own for its
 * fixed scripts, forwards nothing, logs in by key only, offers a short fixed list of algorithms, and is always as
 * strict with host keys as the strictest of these settings.
 */
export const IGNORED: Readonly<Record<string, readonly string[]>> = {
  'what runs there, and what it is given': [
    ...['EnableEscapeCommandline', 'EscapeChar', 'ForkAfterAuthentication', 'LocalCommand', 'PermitLocalCommand'],
    ...['RemoteCommand', 'RequestTTY', 'SendEnv', 'SessionType', 'SetEnv', 'StdinNull'],
  ],
  forwarding: [
    ...['ClearAllForwardings', 'DynamicForward', 'ExitOnForwardFailure', 'ForwardAgent', 'ForwardX11'],
    ...['ForwardX11Timeout', 'ForwardX11Trusted', 'GatewayPorts', 'LocalForward', 'PermitRemoteOpen'],
    ...['RemoteForward', 'StreamLocalBindMask', 'StreamLocalBindUnlink', 'Tunnel', 'TunnelDevice', 'XAuthLocation'],
  ],
  'the life of a connection': [
    ...['ChannelTimeout', 'Compression', 'ConnectionAttempts', 'ConnectTimeout', 'ControlMaster', 'ControlPath'],
    ...['ControlPersist', 'IPQoS', 'ObscureKeystrokeTiming', 'RekeyLimit', 'ServerAliveCountMax'],
    ...['ServerAliveInterval', 'TCPKeepAlive'],
  ],
  'ways to log in that mcpk does not have': [
    ...['AddKeysToAgent', 'BatchMode', 'ChallengeResponseAuthentication', 'GSSAPIAuthentication'],
    ...['GSSAPIClientIdentity', 'GSSAPIDelegateCredentials', 'GSSAPIKexAlgorithms', 'GSSAPIKeyExchange'],
    ...[
      'GSSAPIRenewalForcesRekey',
      'GSSAPIServerIdentity',
      'GSSAPITrustDns',
      'KbdInteractiveAuthentication',
      'KbdInteractiveDevices',
    ],
    ...['NumberOfPasswordPrompts', 'PasswordAuthentication', 'PreferredAuthentications', 'UseKeychain'],
  ],
  algorithms: [
    ...['CASignatureAlgorithms', 'Ciphers', 'HostKeyAlgorithms', 'HostbasedAcceptedAlgorithms', 'KexAlgorithms'],
    ...['MACs', 'PubkeyAcceptedAlgorithms', 'PubkeyAcceptedKeyTypes', 'WarnWeakCrypto'],
  ],
  'host keys, where mcpk is stricter': [
    ...['CheckHostIP', 'HashKnownHosts', 'NoHostAuthenticationForLocalhost', 'StrictHostKeyChecking'],
    ...['UpdateHostKeys', 'VerifyHostKeyDNS'],
  ],
  'what is printed': ['FingerprintHash', 'LogLevel', 'LogVerbose', 'SyslogFacility', 'VisualHostKey'],
  'meaningless without an option that is refused': [
    ...['CanonicalDomains', 'CanonicalizeFallbackLocal', 'CanonicalizeMaxDots', 'CanonicalizePermittedCNAMEs'],
    ...['EnableSSHKeysign', 'IgnoreUnknown', 'ProxyUseFdpass', 'Tag'],
  ],
};

/** Why an option is refused, for those that people have and that can be replaced. */
const REASONS: Readonly<Record<string, string>> = {
  ProxyCommand:
    'mcpk runs no command that a file names: whoever wrote the file would run it on this machine. ProxyJump is the way to a jump host',
  KnownHostsCommand: 'mcpk runs no command that a file names. Put the keys into a file of UserKnownHostsFile',
  CertificateFile: 'certificates of users are not supported. Log in with a plain key',
  PKCS11Provider: 'mcpk loads no library that a file names. Load the key into an agent (ssh-add -s)',
  CanonicalizeHostname: 'write the whole name into HostName',
};

export type Meaning =
  | { is: 'understood'; word: Understood }
  | { is: 'by value'; word: string; values: readonly string[]; reason: string }
  | { is: 'ignored' }
  | { is: 'refused' };

const UNKNOWN = { is: 'refused' } as const;

/** Option (in lower case) → what mcpk makes of it. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...UNDERSTOOD.map((word): [string, Meaning] => [word.toLowerCase(), { is: 'understood', word }]),
  ...Object.values(IGNORED)
    .flat()
    .map((word): [string, Meaning] => [word.toLowerCase(), { is: 'ignored' }]),
  ...Object.entries(BY_VALUE).map(([word, values]): [string, Meaning] => [
    word.toLowerCase(),
    { is: 'by value', word, values, reason: REASONS[word] ?? `mcpk knows ${word} ${values.join(' or ')} only` },
  ]),
]);

/** Options are written in any case. */
export function meaningOf(option: string): Meaning {
  return MEANINGS.get(option.toLowerCase()) ?? UNKNOWN;
}
