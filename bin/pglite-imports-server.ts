#!/usr/bin/env node
/** The command. Node 22 and later keep the compiled code for the next start, if they can, so this comes before everything else is loaded. */
import module from 'node:module'

const { enableCompileCache } = module as { enableCompileCache?: () => unknown }
enableCompileCache?.()
await import('./command-line.js')
