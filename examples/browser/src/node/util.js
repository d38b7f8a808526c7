/** What node-postgres uses of Node's modules `util` and `util/types`. */
export const deprecate = use => use
export const inspect = String
export const isDate = value => value instanceof Date
