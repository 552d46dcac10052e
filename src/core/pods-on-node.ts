/** Pods that a node's part of podCidr has addresses for: without its network, broadcast and gateway address. */
export function podsOnNode(nodePrefix: number): number {
  return 2 ** (32 - nodePrefix) - 3;
}
