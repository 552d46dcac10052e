/** The inventory that is taken where none is named; `mcpk init` writes it. */
export const DEFAULT_FILE = 'mcpk.yaml';
