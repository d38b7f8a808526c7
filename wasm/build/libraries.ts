/**
 * The foreign libraries that PostgreSQL and its extensions are linked with, from Debian's source packages.
 *
 * Each is compiled to an archive. A `lazy` one becomes a WebAssembly module of its own, which a process loads when it
 * first calls it (lazy-libraries.ts). Of the others, an extension contains the parts that it needs.
 */
import { icuSources } from './icu.js'

export interface Library {
  /** As in -lNAME. */
  name: string
  /** Debian's source package; without one, the source is the toolchain's. */
  package?: string
  /** The server or several modules use it, so it is a module itself. */
  lazy?: boolean
  /** Files of the source, or patterns of their names: `lib/*.c`; or a function that lists them. */
  sources: string[] | ((folder: string) => string[])
  /** Those of them that are left out. */
  without?: string[]
  /** Compiler flags; SOURCE stands for the source's folder. */
  flags: string[]
  /** Where its headers lie in the source, by the folder that #include names ("": none). */
  headers: Record<string, string | string[]>
  /** Headers that its configure script would write, by their path, made from templates with @VARIABLES@. */
  configured?: Record<string, { template?: string; values?: Record<string, string> }>
  /** Prepares the source with its own build system; run in a copy of the source, with CC the compiler. */
  prepare?: string[][]
  /** Libraries that become a part of it. */
  uses?: string[]
  /** Sources that hold variables which the server looks at: they are linked with it. */
  inServer?: string[]
}

/** Values for a template's `#if @WITH_NAME@`: 1 for these, which leaves 0 for all others. */
const on = (...names: string[]) => Object.fromEntries(names.map(name => [`WITH_${name}`, '1']))

/** libxml2 only knows its own encodings, because PostgreSQL converts text to UTF-8 before. */
const LIBXML2_FEATURES = [
  ...['C14N', 'HTML', 'ISO8859X', 'OUTPUT', 'PATTERN', 'PUSH', 'READER', 'REGEXPS', 'SAX1', 'VALID'],
  ...['WRITER', 'XINCLUDE', 'XPATH', 'XPTR'],
]

/** Parts of OpenSSL that are left out: pgcrypto calls digests, ciphers, and arithmetic with large numbers. */
const OPENSSL_OMITTED = [
  ...[
    'apps',
    'argon2',
    'aria',
    'asm',
    'async',
    'autoerrinit',
    'autoload-config',
    'camellia',
    'chacha',
    'cmac',
  ],
  ...[
    'cmp',
    'cms',
    'comp',
    'ct',
    'dgram',
    'dh',
    'docs',
    'dsa',
    'dso',
    'dtls',
    'ec',
    'engine',
    'gost',
    'http',
    'idea',
  ],
  ...[
    'makedepend',
    'ml-dsa',
    'ml-kem',
    'module',
    'multiblock',
    'nextprotoneg',
    'ocb',
    'ocsp',
    'padlockeng',
    'pic',
  ],
  ...[
    'pinshared',
    'poly1305',
    'posix-io',
    'psk',
    'quic',
    'rc2',
    'rfc3779',
    'scrypt',
    'secure-memory',
    'seed',
    'shared',
  ],
  ...['siphash', 'siv', 'slh-dsa', 'sm2', 'sm3', 'sm4', 'sock', 'srp', 'srtp', 'sse2', 'ssl', 'ssl-trace'],
  ...['static-engine', 'stdio', 'tests', 'threads', 'tls', 'ts', 'ui-console', 'unit-test', 'winstore'],
]

export const LIBRARIES: readonly Library[] = [
  {
    name: 'z',
    package: 'zlib',
    lazy: true,
    sources: ['*.c'],
    flags: ['-DHAVE_UNISTD_H'],
    headers: { '': '.' },
  },
  {
    name: 'lz4',
    package: 'lz4',
    lazy: true,
    sources: ['lib/*.c'],
    without: ['lib/lz4file.c'],
    flags: ['-DXXH_NAMESPACE=LZ4_'],
    headers: { '': 'lib' },
  },
  {
    name: 'zstd',
    package: 'libzstd',
    lazy: true,
    sources: ['lib/common/*.c', 'lib/compress/*.c', 'lib/decompress/*.c'],
    flags: ['-DXXH_NAMESPACE=ZSTD_', '-DZSTD_DISABLE_ASM', '-DZSTD_LEGACY_SUPPORT=0'],
    headers: { '': 'lib' },
  },
  {
    name: 'xml2',
    package: 'libxml2',
    lazy: true,
    sources: ['*.c'],
    without: ['test*.c', 'run*.c', 'lintmain.c', 'shell.c', 'xmlcatalog.c', 'xmllint.c'],
    flags: ['-ISOURCE/include', '-DHAVE_STDINT_H', '-DXML_SYSCONFDIR="/etc"'],
    headers: { '': 'include' },
    configured: {
      'config.h': {},
      'libxml/xmlversion.h': { template: 'include/libxml/xmlversion.h.in', values: on(...LIBXML2_FEATURES) },
    },
    inServer: ['chvalid.c'],
  },
  {
    name: 'xslt',
    package: 'libxslt',
    sources: ['libxslt/*.c'],
    flags: [
      '-ISOURCE',
      '-DHAVE_STDLIB_H',
      '-DHAVE_STRING_H',
      '-DHAVE_SYS_STAT_H',
      '-DHAVE_STAT',
      '-DHAVE_LOCALE_H',
    ],
    headers: { libxslt: 'libxslt' },
    configured: {
      'config.h': {},
      'libxslt/xsltconfig.h': { template: 'libxslt/xsltconfig.h.in' },
    },
  },
  {
    name: 'uuid',
    package: 'util-linux',
    sources: ['libuuid/src/*.c', 'lib/randutils.c', 'lib/md5.c', 'lib/sha1.c'],
    without: ['libuuid/src/test_uuid.c'],
    flags: [
      ...[
        '-ISOURCE/include',
        '-ISOURCE/libuuid/src',
        '-D_GNU_SOURCE',
        '-D_PATH_LOCALSTATEDIR="/var"',
        '-D_PATH_RUNSTATEDIR="/run"',
      ],
      ...['-DHAVE_STDLIB_H', '-DHAVE_UNISTD_H', '-DHAVE_SYS_TIME_H', '-DHAVE_SYS_SYSMACROS_H'],
      // The library would lock its clock's file, and there is no such file here.
      ...['-D_SYS_FILE_H', '-DLOCK_EX=2', '-Dflock(file,operation)=0'],
      ...['-DHAVE_NANOSLEEP', '-DHAVE_ERR_H', '-DHAVE_ERR', '-DHAVE_ERRX', '-DHAVE_WARN', '-DHAVE_WARNX'],
      ...['-DHAVE_REALLOCARRAY', '-DHAVE_DIRFD', '-DHAVE_LOFF_T'],
      '-DHAVE_DECL_DIRFD=1',
    ],
    headers: { uuid: 'libuuid/src' },
    configured: { 'config.h': {} },
  },
  {
    name: 'crypto',
    package: 'openssl',
    prepare: [
      // Blowfish and CAST5, which pgcrypto's documentation names, work without a configuration file that turns them on.
      ['perl', '-pi', '-e', 's/(ossl_legacy_provider_init, NULL,) 0/$1 1/', 'crypto/provider_predefined.c'],
      // OpenSSL would look for getentropy() only in ELF files. It is there.
      [
        ...['perl', '-pi', '-e', 's/defined\\(__ELF__\\) && //; s/ __attribute__\\(\\(weak\\)\\)//'],
        'providers/implementations/rands/seeding/rand_unix.c',
      ],
      ['./Configure', 'linux-generic32', ...OPENSSL_OMITTED.map(name => `no-${name}`)],
      ['make', 'build_generated', 'libcrypto.a'],
    ],
    sources: [],
    flags: [],
    headers: { '': 'include' },
  },
  {
    // Functions that compiled C++ calls. c/icu/runtime.cpp has the others.
    name: 'cxxabi',
    sources: ['private_typeinfo', 'cxa_virtual', 'stdlib_typeinfo', 'stdlib_exception', 'abort_message'].map(
      name => `libcxxabi/src/${name}.cpp`,
    ),
    flags: [
      ...['-ISOURCE/libcxx/src', '-ISOURCE/libcxxabi/include', '-std=c++23', '-fno-exceptions'],
      ...['-D_LIBCXXABI_BUILDING_LIBRARY', '-D_LIBCXXABI_NO_EXCEPTIONS'],
    ],
    headers: {},
  },
  {
    name: 'icu',
    package: 'icu',
    lazy: true,
    sources: icuSources,
    flags: [
      ...['-ISOURCE/source/common', '-ISOURCE/source/i18n', '-std=c++17', '-fno-exceptions'],
      ...['-fno-threadsafe-statics', '-DU_COMMON_IMPLEMENTATION', '-DU_I18N_IMPLEMENTATION'],
      ...['-DU_STATIC_IMPLEMENTATION', '-DU_ENABLE_DYLOAD=0'],
    ],
    headers: { unicode: ['source/common/unicode', 'source/i18n/unicode'] },
    uses: ['cxxabi'],
  },
]
