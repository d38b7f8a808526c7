/**
 * Checks that structures which PostgreSQL writes to files or WAL as they are in memory have the layout of a 64-bit machine, so
 * that a native server can read them. clang prints the offsets of their members, once for the module's target and once for wasm64
 * with a pg_config.h for 64 bits; there C's types have the sizes and alignment of x86-64 and arm64.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import type { CLibrary } from './c-library.js'
import { BACKEND_CPPFLAGS, POSTGRES_CPPFLAGS, targetFlags } from './compiler.js'
import { BuildFailure } from './failure.js'
import { hashOf } from './hash.js'
import type { CompiledLibrary } from './library-objects.js'
import { logFile } from './paths.js'
import type { Step } from './progress.js'
import type { Source } from './source.js'
import type { Toolchain } from './toolchain.js'

/**
 * Files of PostgreSQL's source, and for each the structures in its headers that are written to files: patterns of names, or of header
 * and line for a structure that only has a typedef's name.
 */
const STRUCTURES: Readonly<Record<string, readonly string[]>> = {
  // Every record of WAL, and catalogs, pages, tuples.
  'src/backend/access/transam/rmgr.c': [
    ...['(?!xl_xact_parsed)xl_\\w+', '(gin|gist|spg)xlog\\w+', 'xlhp_\\w+'],
    ...['XLogRecord\\w*Header\\w*', 'XLogRecord', 'XLog(Long)?PageHeaderData'],
    ...['PageHeaderData', 'ItemIdData', 'HeapTupleHeaderData', 'IndexTupleData', 'ItemPointerData'],
    ...['varatt_external'],
  ],
  'src/backend/access/transam/xlog.c': ['ControlFileData'],
  'src/backend/access/transam/twophase.c': ['xl_xact_prepare', 'TwoPhaseRecordOnDisk'],
  'src/backend/access/transam/commit_ts.c': ['CommitTimestampEntry'],
  'src/backend/access/heap/rewriteheap.c': ['LogicalRewriteMappingData'],
  'src/backend/access/gin/ginutil.c': ['GinMetaPageData', 'GinPageOpaqueData', 'ginblock.h:\\d+'],
  'src/backend/access/gist/gistutil.c': ['GISTPageOpaqueData'],
  'src/backend/access/hash/hashutil.c': ['HashMetaPageData', 'HashPageOpaqueData'],
  'src/backend/access/spgist/spgutils.c': [
    'SpGist(MetaPage|PageOpaque|InnerTuple|NodeTuple|LeafTuple|DeadTuple)Data',
  ],
  'src/backend/access/brin/brin_revmap.c': ['BrinMetaPageData', 'RevmapContents', 'BrinTuple'],
  'src/backend/access/brin/brin_bloom.c': ['BloomFilter'],
  'src/backend/access/brin/brin_minmax_multi.c': ['SerializedRanges'],
  'src/backend/storage/freespace/freespace.c': ['fsm_internals.h:\\d+'],
  'src/backend/storage/lmgr/lock.c': ['TwoPhaseLockRecord'],
  'src/backend/storage/lmgr/predicate.c': ['TwoPhasePredicateRecord'],
  'src/backend/utils/activity/pgstat.c': ['PgStat_(Stat\\w+|HashKey|\\w+Stats|BktypeIO|IO)'],
  'src/backend/utils/activity/pgstat_relation.c': ['TwoPhasePgStatRecord'],
  'src/backend/utils/cache/relmapper.c': ['RelMapFile'],
  'src/backend/utils/cache/relcache.c': ['FormData_\\w+'],
  'src/backend/replication/slot.c': ['ReplicationSlotOnDisk'],
  'src/backend/replication/logical/origin.c': ['ReplicationStateOnDisk'],
  'src/backend/replication/logical/snapbuild.c': ['SnapBuildOnDisk', 'SnapBuild'],
  'src/common/blkreftable.c': ['BlockRefTableSerializedEntry'],
  'src/backend/utils/adt/numeric.c': ['Numeric(Short|Long|Choice|Data)'],
  'src/backend/utils/adt/date.c': ['(date|timestamp).h:\\d+'],
  'src/backend/utils/adt/jsonpath.c': ['JsonbContainer', 'jsonpath.h:\\d+'],
  'src/backend/utils/adt/tsquery.c': ['ts_type.h:\\d+'],
  'src/backend/utils/adt/rangetypes.c': ['rangetypes.h:\\d+'],
  'src/backend/utils/adt/arrayfuncs.c': ['ArrayType'],
  'src/backend/utils/adt/multirangetypes.c': ['multirangetypes.h:\\d+'],
  'src/backend/utils/adt/geo_ops.c': ['geo_decls.h:\\d+'],
  'src/backend/utils/adt/network.c': ['inet.h:\\d+', 'macaddr8?'],
  'contrib/bloom/blutils.c': ['BloomMetaPageData', 'BloomPageOpaqueData', 'BloomTuple'],
  'contrib/intarray/_int_bool.c': ['QUERYTYPE', 'ITEM'],
  'contrib/ltree/ltree_io.c': ['ltree.h:\\d+'],
  'contrib/cube/cube.c': ['NDBOX'],
  'contrib/seg/seg.c': ['SEG'],
  'contrib/pg_trgm/trgm_op.c': ['trgm.h:\\d+'],
  'contrib/pg_stat_statements/pg_stat_statements.c': ['pgssEntry', 'pgssGlobalStats'],
}

/** Lines of pg_config.h that differ on 64 bits. */
const SIZES = /^(#define (?:SIZEOF_VOID_P|SIZEOF_SIZE_T|SIZEOF_LONG|ALIGNOF_LONG)) 4$/gm

/**
 * Compares them, unless that was done for the present objects. Throws BuildFailure that names the structures with another layout.
 *
 * @param objects PostgreSQL's tree of objects
 * @param compiled what changes when the source may have, see compilePostgres()
 */
export async function requireLayoutsOf64Bits(
  toolchain: Toolchain,
  library: CLibrary,
  libraries: readonly CompiledLibrary[],
  objects: string,
  source: Source,
  compiled: string,
  step: Step,
): Promise<void> {
  const key = hashOf(compiled, JSON.stringify(STRUCTURES))
  const stamp = toolchain.outside(`${objects}/layouts-compared`)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return step.detail('from the cache')
  const wide = `${objects}/layouts-of-64-bits`
  const config = readFileSync(toolchain.outside(`${objects}/src/include/pg_config.h`), 'utf8')
  mkdirSync(toolchain.outside(wide), { recursive: true })
  writeFileSync(toolchain.outside(`${wide}/pg_config.h`), config.replace(SIZES, '$1 8'))

  const narrowFlags = [...targetFlags(library), ...libraries.map(({ include }) => `-I${include}`)]
  const wideFlags = narrowFlags.map(flag => flag.replace(/^wasm32/, 'wasm64'))
  const files = Object.entries(STRUCTURES)
  const wrong: string[] = []
  const worker = async () => {
    for (let next = files.shift(); next !== undefined; next = files.shift()) {
      const [file, names] = next
      const layouts = (flags: string[]) => layoutsIn(toolchain, file, flags, objects, source)
      const ours = await layouts(narrowFlags)
      const theirs = await layouts([`-I${wide}`, ...wideFlags])
      wrong.push(...compare(file, names, ours, theirs))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  if (wrong.length > 0)
    throw new BuildFailure(
      `structures in files have another layout than on 64 bits:\n    ${wrong.join('\n    ')}`,
    )
  writeFileSync(stamp, key)
}

type Layouts = ReadonlyMap<string, string>

function compare(file: string, names: readonly string[], ours: Layouts, theirs: Layouts): string[] {
  return names.flatMap(pattern => {
    const found = [...theirs.keys()].filter(name => new RegExp(`^${pattern}$`).test(name))
    if (found.length === 0) return [`${file} has no structure ${pattern}`]
    return found.filter(name => ours.get(name) !== theirs.get(name)).map(name => `${name} in ${file}`)
  })
}

/** A layout; the structure's name, or the file and line where one without a name is. */
const LAYOUT =
  /^\s*0 \| (?:(?:struct |union )?(\w+)|(?:struct|union) \(unnamed at \S*?([^/\s]+:\d+):\d+\))\n(?:.*\n)*?.*sizeof=.*/m

/** Structures by name, as clang prints them: a line for each member, with its offset. */
async function layoutsIn(
  toolchain: Toolchain,
  file: string,
  flags: string[],
  objects: string,
  source: Source,
): Promise<Layouts> {
  const folders = [dirname(file), 'src/include', 'src/backend/parser'].flatMap(folder => [
    `-I${objects}/${folder}`,
    `-I${source.folder}/${folder}`,
  ])
  const printed = await toolchain.run(
    [
      ...[
        'clang',
        ...flags,
        '-w',
        ...folders,
        `-I${toolchain.work}/c`,
        ...POSTGRES_CPPFLAGS,
        ...BACKEND_CPPFLAGS,
      ],
      ...['-fsyntax-only', '-Xclang', '-fdump-record-layouts-complete', `${source.folder}/${file}`],
    ],
    { log: logFile(`layouts-${file.replaceAll('/', '-')}`), doing: `compare the structures in ${file}` },
  )
  return new Map(
    printed.split('*** Dumping AST Record Layout\n').flatMap(text => {
      const [layout, name, place] = LAYOUT.exec(text) ?? []
      return layout === undefined ? [] : [[(name ?? place)!, layout] as const]
    }),
  )
}
