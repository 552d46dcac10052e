/** A binary that the inventory needs, and where it is now. */
export interface NeededBinary {
  /** As sums are pinned: COMPONENT/VERSION/linux-ARCH/FILE. */
  name: string;
  /** Of the archive, where upstream has it in one. */
  url: string;
  /** What it must have, else what its folder says; absent: upstream's is taken when it is fetched. */
  sha256?: string;
  /** Bytes. */
  size?: number;
  /** Absent: it is still to be fetched. */
  file?: string;
}

/** A manifest that the inventory names, and where its text is now. */
export interface NeededManifest {
  name: string;
  /** Absent: it is a file of the operator's. */
  url?: string;
  /** What it must have, else what it has. */
  sha256?: string;
  /** Bytes. */
  size?: number;
  /** Absent: it is still to be fetched. */
  file?: string;
}

/** All that comes from outside, but images and packages. */
export interface Needed {
  binaries: NeededBinary[];
  manifests: NeededManifest[];
}

/** How far one file is. */
export interface Progress {
  /** As its sum is pinned: COMPONENT/VERSION/linux-ARCH/NAME. */
  file: string;
  /** So many are fetched in all. */
  files: number;
  /** Bytes so far; `total` is 0 where the server does not say it. */
  received: number;
  total: number;
  /** Checked, unpacked and in its place. */
  isThere: boolean;
}
