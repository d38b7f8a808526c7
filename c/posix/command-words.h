/*
 * command-words.h: a command as a shell takes it, without a shell.
 */
#ifndef COMMAND_WORDS_H
#define COMMAND_WORDS_H

/*
 * Splits a command into words, in place: blanks separate them, and what is quoted is part of one. Writes them and a NULL, `room` at most, and
 * returns how many words there are.
 */
extern int	command_words(char *command, char *words[], int room);

#endif
