/**
 * What plans, events and commands call the place where objects live, beside the names of hosts: no host may have it. It
 * is a name as theirs, and no type of its own, as it is a key among them: of what is compared, observed and owned, in
 * plan files and in `mcpk show api`.
 */
export const API = 'api';
