/* data-file.h: ICU's data; see data-file.cpp. */
#ifndef ICU_DATA_FILE_H
#define ICU_DATA_FILE_H

/* The environment variable that names the folder, which is ICU's own, and the file in it. */
#define ICU_DATA_FOLDER	"ICU_DATA"
#define ICU_DATA_FILE	"icu.bin"

#endif
