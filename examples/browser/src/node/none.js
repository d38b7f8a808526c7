/** Modules of Node's that node-postgres imports and does not use here: for files, sockets, names of hosts. */
export default {}
