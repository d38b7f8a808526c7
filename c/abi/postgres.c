/*
 * postgres.c: PostgreSQL's numbers and structures: chunks of the log, the control file, the first page of a WAL segment, pages of
 * catalogs and the columns in them, numbers of relations; and where ICU's data are.
 */
#include "postgres.h"

#include "abi/abi.h"
#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xlog_internal.h"
#include "catalog/catversion.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_control.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_type.h"
#include "icu/data-file.h"
#include "locale/file.h"
#include "postmaster/syslogger.h"
#include "storage/bufpage.h"
#include "storage/large_object.h"
#include "storage/procnumber.h"

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

NUMBER(MAX_BACKENDS)

OFFSETOF(PageHeaderData, pd_checksum)
OFFSETOF(PageHeaderData, pd_lower)
OFFSETOF(PageHeaderData, pd_linp)
SIZEOF_TYPE(ItemIdData)
NUMBER(LP_NORMAL)
OFFSETOF(HeapTupleHeaderData, t_hoff)

NUMBER(FirstNormalObjectId)
NUMBER(LargeObjectRelationId)
NUMBER(LargeObjectLOidPNIndexId)
NUMBER(TypeRelationId)
NUMBER(AttributeRelationId)
OFFSETOF(FormData_pg_attribute, atttypid)
OFFSETOF(FormData_pg_attribute, attbyval)
OFFSETOF(FormData_pg_type, oid)
OFFSETOF(FormData_pg_type, typlen)
OFFSETOF(FormData_pg_type, typbyval)
OFFSETOF(FormData_pg_type, typtype)
OFFSETOF(FormData_pg_type, typalign)
OFFSETOF(FormData_pg_type, typbasetype)
NUMBER(TYPTYPE_DOMAIN)
NUMBER(TYPALIGN_DOUBLE)

/* Types that only a 64-bit server passes by value, then those that are as long as a pointer. */
NUMBER(INT8OID)
NUMBER(FLOAT8OID)
NUMBER(MONEYOID)
NUMBER(TIMEOID)
NUMBER(TIMESTAMPOID)
NUMBER(TIMESTAMPTZOID)
NUMBER(PG_LSNOID)
NUMBER(XID8OID)
NUMBER(PG_DDL_COMMANDOID)
NUMBER(INTERNALOID)

STRING(ICU_DATA_FOLDER)
STRING(ICU_DATA_FILE)
STRING(LOCALES_FILE)
