/*
 * postgres.c: structures of PostgreSQL: chunks of the log, the control file, and the first page of a WAL segment.
 */
#include "postgres.h"

#include "abi/abi.h"
#include "access/heaptoast.h"
#include "access/xlog_internal.h"
#include "catalog/catversion.h"
#include "catalog/pg_control.h"
#include "postmaster/syslogger.h"
#include "storage/large_object.h"

OFFSETOF_TYPE(PipeProtoHeader, len)
OFFSETOF_TYPE(PipeProtoHeader, flags)
OFFSETOF_TYPE(PipeProtoHeader, data)
NUMBER(PIPE_PROTO_IS_LAST)
NUMBER(PIPE_PROTO_DEST_STDERR)
NUMBER(PIPE_PROTO_DEST_CSVLOG)
NUMBER(PIPE_PROTO_DEST_JSONLOG)

NUMBER(PG_CONTROL_VERSION)
NUMBER(CATALOG_VERSION_NO)
NUMBER(MAXIMUM_ALIGNOF)
NUMBER(BLCKSZ)
NUMBER(RELSEG_SIZE)
NUMBER(XLOG_BLCKSZ)
NUMBER(NAMEDATALEN)
NUMBER(INDEX_MAX_KEYS)
NUMBER(TOAST_MAX_CHUNK_SIZE)
NUMBER(LOBLKSIZE)
OFFSETOF(ControlFileData, system_identifier)
OFFSETOF(ControlFileData, pg_control_version)
OFFSETOF(ControlFileData, catalog_version_no)
OFFSETOF(ControlFileData, state)
OFFSETOF(ControlFileData, maxAlign)
OFFSETOF(ControlFileData, blcksz)
OFFSETOF(ControlFileData, relseg_size)
OFFSETOF(ControlFileData, xlog_blcksz)
OFFSETOF(ControlFileData, xlog_seg_size)
OFFSETOF(ControlFileData, nameDataLen)
OFFSETOF(ControlFileData, indexMaxKeys)
OFFSETOF(ControlFileData, toast_max_chunk_size)
OFFSETOF(ControlFileData, loblksize)
OFFSETOF(ControlFileData, float8ByVal)
OFFSETOF(ControlFileData, data_checksum_version)
OFFSETOF(ControlFileData, mock_authentication_nonce)
OFFSETOF(ControlFileData, crc)
NUMBER(DB_SHUTDOWNED)
NUMBER(MOCK_AUTH_NONCE_LEN)

OFFSETOF(XLogPageHeaderData, xlp_info)
NUMBER(XLP_LONG_HEADER)
OFFSETOF(XLogLongPageHeaderData, xlp_sysid)
