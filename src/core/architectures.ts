/** Processors, as Go names them, that binaries are there for. */
export const ARCHITECTURES: readonly string[] = ['amd64', 'arm64'];
