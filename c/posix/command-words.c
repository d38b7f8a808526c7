/*
 * command-words.c: see command-words.h.
 */
#include "command-words.h"
#include <stddef.h>

int
command_words(char *command, char *words[], int room)
{
	int			count = 0;
	char	   *to = command;

	for (char *from = command; *from != '\0' && count < room - 1;)
	{
		char		quote = '\0';

		while (*from == ' ')
			from++;
		if (*from == '\0')
			break;
		words[count++] = to;
		for (; *from != '\0' && (quote != '\0' || *from != ' '); from++)
		{
			if (quote == '\0' && (*from == '"' || *from == '\''))
				quote = *from;
			else if (*from == quote)
				quote = '\0';
			else
				*to++ = *from;
		}
		if (*from != '\0')
			from++;
		*to++ = '\0';
	}
	words[count] = NULL;
	return count;
}
