/*
 * conventions.c: how numbers, amounts of money and dates are written: localeconv(), nl_langinfo().
 */
#include <langinfo.h>
#include <limits.h>
#include <string.h>
#include "locale/locale.h"

enum convention
{
	MONETARY,
	NUMERIC,
	TIME,
};

/* How many texts there are: seven, then numbers of a byte; three; those that nl_langinfo() has. */
#define MONETARY_TEXTS 7
#define TIME_TEXTS	0x32

/* In the C locale and in C.UTF-8. */
static const char c_monetary[] = "\0\0\0\0\0\0\0"
	"\177\177\177\177\177\177\177\177\177\177\177\177\177\177";
static const char c_numeric[] = ".\0\0";
static const char c_time[] =
	"Sun\0Mon\0Tue\0Wed\0Thu\0Fri\0Sat\0"
	"Sunday\0Monday\0Tuesday\0Wednesday\0Thursday\0Friday\0Saturday\0"
	"Jan\0Feb\0Mar\0Apr\0May\0Jun\0Jul\0Aug\0Sep\0Oct\0Nov\0Dec\0"
	"January\0February\0March\0April\0May\0June\0July\0August\0September\0October\0November\0December\0"
	"AM\0PM\0"
	"%a %b %e %H:%M:%S %Y\0%m/%d/%y\0%H:%M:%S\0%I:%M:%S %p\0"
	"\0\0\0\0\0";

static const char *const c_conventions[] = {c_monetary, c_numeric, c_time};
static const int categories[] = {LC_MONETARY, LC_NUMERIC, LC_TIME};

static const char *
texts_of(locale_t where, enum convention convention)
{
	struct locale *locale = locale_of(where, categories[convention]);

	if (locale == NULL || locale->data == NULL)
		return c_conventions[convention];
	if (locale->texts[convention] == NULL)
		locale->texts[convention] = locale_part(convention == MONETARY ? locale->data->monetary :
												convention == NUMERIC ? locale->data->numeric : locale->data->time);
	return locale->texts[convention] != NULL ? locale->texts[convention] : c_conventions[convention];
}

static const char *
text(const char *texts, int number)
{
	while (number-- > 0)
		texts += strlen(texts) + 1;
	return texts;
}

struct lconv *
localeconv(void)
{
	static struct lconv conventions;
	const char *numeric = texts_of(CURRENT_LOCALE, NUMERIC);
	const char *monetary = texts_of(CURRENT_LOCALE, MONETARY);
	const char *numbers = text(monetary, MONETARY_TEXTS);

	conventions = (struct lconv) {
		.decimal_point = (char *) text(numeric, 0),
		.thousands_sep = (char *) text(numeric, 1),
		.grouping = (char *) text(numeric, 2),
		.int_curr_symbol = (char *) text(monetary, 0),
		.currency_symbol = (char *) text(monetary, 1),
		.mon_decimal_point = (char *) text(monetary, 2),
		.mon_thousands_sep = (char *) text(monetary, 3),
		.mon_grouping = (char *) text(monetary, 4),
		.positive_sign = (char *) text(monetary, 5),
		.negative_sign = (char *) text(monetary, 6),
		.int_frac_digits = numbers[0],
		.frac_digits = numbers[1],
		.p_cs_precedes = numbers[2],
		.p_sep_by_space = numbers[3],
		.n_cs_precedes = numbers[4],
		.n_sep_by_space = numbers[5],
		.p_sign_posn = numbers[6],
		.n_sign_posn = numbers[7],
		.int_p_cs_precedes = numbers[8],
		.int_p_sep_by_space = numbers[9],
		.int_n_cs_precedes = numbers[10],
		.int_n_sep_by_space = numbers[11],
		.int_p_sign_posn = numbers[12],
		.int_n_sign_posn = numbers[13],
	};
	return &conventions;
}

static const char *
codeset_name(locale_t where)
{
	struct locale *locale = locale_of(where, LC_CTYPE);

	if (where->cat[LC_CTYPE] == NULL)
		return "ANSI_X3.4-1968";
	return locale == NULL || locale->data == NULL ? "UTF-8" : locale_text(locale_index(), locale->data->codeset_name);
}

char *
__nl_langinfo_l(nl_item item, locale_t where)
{
	int			category = item >> 16;
	int			number = item & 0xffff;

	if (item == CODESET)
		return (char *) codeset_name(where);
	if (category == LC_NUMERIC && number <= 1)
		return (char *) text(texts_of(where, NUMERIC), number);
	if (category == LC_TIME && number < TIME_TEXTS)
		return (char *) text(texts_of(where, TIME), number);
	if (item == YESEXPR)
		return "^[yY]";
	if (item == NOEXPR)
		return "^[nN]";
	return "";
}

char *
__nl_langinfo(nl_item item)
{
	return __nl_langinfo_l(item, CURRENT_LOCALE);
}

char *
nl_langinfo_l(nl_item item, locale_t where)
{
	return __nl_langinfo_l(item, where);
}

char *
nl_langinfo(nl_item item)
{
	return __nl_langinfo_l(item, CURRENT_LOCALE);
}
