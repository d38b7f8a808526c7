/**
 * What TypeScript has to know of PostgreSQL. Made by wasm/build/abi.ts from the headers that c/abi/ names: change those, not this,
 * and then run `npm run build:wasm`.
 */
export const PIPE_PROTO_IS_LAST = 1
export const PIPE_PROTO_DEST_STDERR = 16
export const PIPE_PROTO_DEST_CSVLOG = 32
export const PIPE_PROTO_DEST_JSONLOG = 64
export const PG_CONTROL_VERSION = 1800
export const CATALOG_VERSION_NO = 202506291
export const MAXIMUM_ALIGNOF = 8
export const BLCKSZ = 8192
export const RELSEG_SIZE = 131072
export const XLOG_BLCKSZ = 8192
export const NAMEDATALEN = 64
export const INDEX_MAX_KEYS = 32
export const TOAST_MAX_CHUNK_SIZE = 1996
export const LOBLKSIZE = 2048
export const DB_SHUTDOWNED = 1
export const MOCK_AUTH_NONCE_LEN = 32
export const XLP_LONG_HEADER = 2
export const MAX_BACKENDS = 262143
export const LP_NORMAL = 1
export const FirstNormalObjectId = 16384
export const LargeObjectRelationId = 2613
export const LargeObjectLOidPNIndexId = 2683
export const TypeRelationId = 1247
export const AttributeRelationId = 1249
export const TYPTYPE_DOMAIN = 100
export const TYPALIGN_DOUBLE = 100
export const INT8OID = 20
export const FLOAT8OID = 701
export const MONEYOID = 790
export const TIMEOID = 1083
export const TIMESTAMPOID = 1114
export const TIMESTAMPTZOID = 1184
export const PG_LSNOID = 3220
export const XID8OID = 5069
export const PG_DDL_COMMANDOID = 32
export const INTERNALOID = 2281
export const ICU_DATA_FOLDER = 'ICU_DATA'
export const ICU_DATA_FILE = 'icu.bin'
export const LOCALES_FILE = 'locales.bin'

export const offsetof = {
  PipeProtoHeader: {
    len: 2,
    flags: 8,
    data: 9,
  },
  ControlFileData: {
    system_identifier: 0,
    pg_control_version: 8,
    catalog_version_no: 12,
    state: 16,
    maxAlign: 204,
    blcksz: 216,
    relseg_size: 220,
    xlog_blcksz: 224,
    xlog_seg_size: 228,
    nameDataLen: 232,
    indexMaxKeys: 236,
    toast_max_chunk_size: 240,
    loblksize: 244,
    float8ByVal: 248,
    data_checksum_version: 252,
    mock_authentication_nonce: 257,
    crc: 292,
  },
  XLogPageHeaderData: {
    xlp_info: 2,
  },
  XLogLongPageHeaderData: {
    xlp_sysid: 24,
  },
  PageHeaderData: {
    pd_checksum: 8,
    pd_lower: 12,
    pd_linp: 24,
  },
  HeapTupleHeaderData: {
    t_hoff: 22,
  },
  FormData_pg_attribute: {
    atttypid: 68,
    attbyval: 82,
  },
  FormData_pg_type: {
    oid: 0,
    typlen: 76,
    typbyval: 78,
    typtype: 79,
    typalign: 128,
    typbasetype: 132,
  },
} as const

export const sizeof = {
  ItemIdData: 4,
} as const
