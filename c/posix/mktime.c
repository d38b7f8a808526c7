/*
 * mktime.c: the inverse of localtime(). The time zone is always UTC here.
 */
#include <time.h>

time_t		_mktime_js(struct tm *date);

/* Days from 1970-01-01 to a day of the Gregorian calendar; a year is taken to begin in March, so leap days come last. */
static time_t
days(int year, int month, int day)
{
	time_t		y = month < 2 ? year - 1 : year;
	time_t		era = (y >= 0 ? y : y - 399) / 400;
	time_t		year_of_era = y - era * 400;
	time_t		day_of_year = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* The C library's mktime(). */
time_t
_mktime_js(struct tm *date)
{
	time_t		result = days(date->tm_year + 1900, date->tm_mon, date->tm_mday) * 86400 + date->tm_hour * 3600
		+ date->tm_min * 60 + date->tm_sec;

	*date = *localtime(&result);
	return result;
}
