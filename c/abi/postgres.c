/*
 * postgres.c: of PostgreSQL: chunks of the log, the control file, and the first page of a WAL segment.
 */
#include "postgres.h"

#include "abi/abi.h"
#include "access/xlog_internal.h"
#include "catalog/pg_control.h"
#include "postmaster/syslogger.h"

OFFSETOF_TYPE(PipeProtoHeader, len)
OFFSETOF_TYPE(PipeProtoHeader, flags)
OFFSETOF_TYPE(PipeProtoHeader, data)
NUMBER(PIPE_PROTO_IS_LAST)
NUMBER(PIPE_PROTO_DEST_STDERR)
NUMBER(PIPE_PROTO_DEST_CSVLOG)
NUMBER(PIPE_PROTO_DEST_JSONLOG)

NUMBER(PG_CONTROL_VERSION)
OFFSETOF(ControlFileData, system_identifier)
OFFSETOF(ControlFileData, pg_control_version)
OFFSETOF(ControlFileData, xlog_seg_size)
OFFSETOF(ControlFileData, float8ByVal)
OFFSETOF(ControlFileData, mock_authentication_nonce)
OFFSETOF(ControlFileData, crc)
NUMBER(MOCK_AUTH_NONCE_LEN)

OFFSETOF(XLogPageHeaderData, xlp_info)
NUMBER(XLP_LONG_HEADER)
OFFSETOF(XLogLongPageHeaderData, xlp_sysid)
