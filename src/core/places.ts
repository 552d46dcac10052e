/** What plans, events and commands call the place where objects live, beside the names of hosts: no host may have it. */
export const API = 'api';
