/** Modules of Node's that node-postgres and postgres.js import and do not use here: for files, sockets, names of hosts. */
export default {}
