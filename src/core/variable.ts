/** A name that a variable of the environment can have. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
