/* data-file.h: where ICU's data is; see data-file.cpp. */
#ifndef ICU_DATA_FILE_H
#define ICU_DATA_FILE_H

/* The environment variable that names the folder, which ICU itself uses too, and the name of the file in the folder. */
#define ICU_DATA_FOLDER	"ICU_DATA"
#define ICU_DATA_FILE	"icu.bin"

#endif
