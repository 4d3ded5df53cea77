// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [-s SEED] [-t SECONDS] [-n PROGRAMS] [-p FILE] [-v]
 *
 * Runs the corpus, then mutations of it and programs of its own, and watches for a
 * kernel that complains, a call that doesn't end, and memory that stays pinned.
 * Program N of a seed is the same everywhere.  -p runs one written program.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "meters.h"
#include "tap.h"

extern const char corpus_text[], corpus_end[];

#define CORPUS_MAX	64
static struct program corpus[CORPUS_MAX];
static unsigned int n_corpus;
static struct tally *tally;
static bool verbose;

/* The corpus is compiled in: programs with a line "---" between them. */
static bool read_corpus(void)
{
	char *text = strndup(corpus_text, corpus_end - corpus_text), *next;
	const char *wrong;

	for (; text; text = next) {
		next = strstr(text, "\n---\n");
		if (next) {
			*next = 0;
			next += 5;
		}
		if (n_corpus == CORPUS_MAX)
			return false;
		wrong = program_read(&corpus[n_corpus++], text);
		if (wrong) {
			printf("# corpus, program %u: %s\n", n_corpus, wrong);
			return false;
		}
	}
	return true;
}

static long tainted(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/kernel/tainted", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	return strtol(text, NULL, 10);
}

static void print_program(const struct program *program)
{
	char *text, *line, *rest;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	program_write(program, to);
	fclose(to);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		printf("# %s\n", line);
	free(text);
	fflush(stdout);
}

/* In a child, so that everything is closed afterwards. False: it didn't end. */
static bool run(const struct program *program)
{
	struct timespec step = { 0, 1000000 };
	double end = tap_now() + 60 * tap_time_factor();
	pid_t child = fork();
	int status;

	if (!child) {
		execute_prepare();
		execute(program, tally);
		_exit(0);
	}
	while (waitpid(child, &status, WNOHANG) != child) {
		if (tap_now() > end) {
			kill(child, SIGKILL);
			return false;
		}
		nanosleep(&step, NULL);
		if (step.tv_nsec < 16000000)
			step.tv_nsec *= 2;
	}
	return true;
}

/* Program number @n of a seed. */
static void make(struct program *program, uint64_t seed, unsigned long n)
{
	uint64_t random = seed ^ (n * 0xd1342543de82ef95);

	if (n < n_corpus) {
		*program = corpus[n];
	} else if (one_in(&random, 4)) {
		program_make(program, &random);
	} else {
		*program = corpus[below(&random, n_corpus)];
		program_mutate(program, &corpus[below(&random, n_corpus)], &random);
	}
}

static bool check_kernel(long before, const struct program *program, uint64_t seed,
			 unsigned long n)
{
	if (tainted() == before)
		return true;
	printf("# the kernel complained at program %lu of seed %llu:\n", n,
	       (unsigned long long)seed);
	print_program(program);
	return false;
}

static bool fuzz(uint64_t seed, double seconds, unsigned long most, unsigned long *ran)
{
	double end = tap_now() + seconds;
	long before = tainted();
	struct program program;
	struct meters meters;
	unsigned long n;

	meters_read(&meters);
	/* The whole corpus is run however short the time is. */
	for (n = 0; n < n_corpus || (n < most && tap_now() < end); n++) {
		make(&program, seed, n);
		if (verbose)
			print_program(&program);
		if (!run(&program)) {
			printf("# program %lu of seed %llu doesn't end:\n", n,
			       (unsigned long long)seed);
			print_program(&program);
			return false;
		}
		if (!check_kernel(before, &program, seed, n))
			return false;
		if (n % 64 == 63 && !meters_settle(&meters)) {
			printf("# after one of programs %lu to %lu of seed %llu\n",
			       n - 63, n, (unsigned long long)seed);
			return false;
		}
	}
	*ran = n;
	return meters_settle(&meters);
}

/* A call that never did anything wasn't tested. */
static bool report_tally(void)
{
	unsigned long calls = 0, done = 0;
	bool all = true;
	unsigned int i;

	for (i = 0; i < n_ops; i++) {
		calls += tally->calls[i];
		done += tally->done[i];
		if (verbose || !tally->done[i])
			printf("# %s: %lu calls, %lu succeeded\n", ops[i].name,
			       tally->calls[i], tally->done[i]);
		/* not there at all on some kernels */
		if (!tally->done[i] && strncmp(ops[i].name, "pasid", 5) &&
		    strcmp(ops[i].name, "iopf") && strcmp(ops[i].name, "respond"))
			all = false;
	}
	printf("# %lu calls, %lu succeeded\n", calls, done);
	return all;
}

static int run_file(const char *name)
{
	static char text[65536];
	struct program program;
	const char *wrong;
	int fd = open(name, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
		perror(name);
		return 2;
	}
	wrong = program_read(&program, text);
	if (wrong) {
		printf("%s: can't read: %s\n", name, wrong);
		return 2;
	}
	if (!run(&program))
		return 1;
	report_tally();
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long most = ~0ul, ran = 0;
	uint64_t seed = 1;
	double seconds = 30;
	const char *file = NULL;
	bool ok, all;
	int option;

	while ((option = getopt(argc, argv, "s:t:n:p:v")) != -1) {
		switch (option) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			seconds = atof(optarg);
			break;
		case 'n':
			most = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			file = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 2;
		}
	}
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (file)
		return run_file(file);
	printf("1..2\n");
	if (!read_corpus()) {
		printf("not ok 1 - the corpus can be read\n");
		return 1;
	}
	ok = fuzz(seed, seconds, most, &ran);
	all = report_tally();
	printf("%s 1 - %lu programs of seed %llu\n", ok ? "ok" : "not ok", ran,
	       (unsigned long long)seed);
	printf("%s 2 - every call succeeds at least once\n", all ? "ok" : "not ok");
	return !ok || !all;
}
