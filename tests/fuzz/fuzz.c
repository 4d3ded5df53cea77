// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [-s SEED] [-t SECONDS] [-n PROGRAMS] [-v]
 * fuzz -p FILE [-n TIMES]
 * fuzz -o NUMBER [-s SEED] [-n TIMES]
 *
 * Runs the corpus, then mutations of it and programs of its own, and watches for a
 * kernel that complains, a call that doesn't end, and memory that stays pinned.
 * Program N of a seed is the same everywhere.  -p runs one written program,
 * -o only one of a seed.
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
#include "plug.h"
#include "tap.h"

extern const char corpus_text[], corpus_end[];

#define CORPUS_MAX	64
static struct program corpus[CORPUS_MAX];
static unsigned int n_corpus;
static struct tally *tally;
static struct commons *commons;
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

static pid_t start(const struct program *program)
{
	pid_t child;

	memset(commons, 0, sizeof(*commons));
	child = fork();
	/* its processes in a group, to end them together */
	setpgid(child, child);
	if (!child) {
		execute(program, commons, tally);
		_exit(0);
	}
	return child;
}

/* A kernel that dies of a program leaves its log only, so that says which it was. */
static void announce(uint64_t seed, unsigned long n)
{
	static int kmsg = -1;

	if (kmsg < 0) {
		int all = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY | O_CLOEXEC);

		if (all >= 0) {
			if (write(all, "on", 2) != 2)
				printf("# some programs are missing in the kernel's log\n");
			close(all);
		}
		kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	}
	if (kmsg >= 0)
		dprintf(kmsg, "fuzz: program %lu of seed %llu\n", n,
			(unsigned long long)seed);
}

/* In a child, so that everything is closed afterwards. False: it didn't end. */
static bool run(const struct program *program)
{
	struct timespec step = { 0, 1000000 };
	double end = tap_now() + 60 * tap_patience();
	pid_t child = start(program);
	int status;

	while (waitpid(child, &status, WNOHANG) != child) {
		if (tap_now() > end) {
			kill(-child, SIGKILL);
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
	for (n = 0; n < n_corpus || (n < most && tap_now() < end); n++, *ran = n) {
		make(&program, seed, n);
		if (verbose)
			print_program(&program);
		announce(seed, n);
		if (!run(&program)) {
			printf("# program %lu of seed %llu doesn't end:\n", n,
			       (unsigned long long)seed);
			print_program(&program);
			return false;
		}
		if (!check_kernel(before, &program, seed, n))
			return false;
		if (n % 64 == 63 && !(meters_settle(&meters) && nodes_settle())) {
			printf("# after one of programs %lu to %lu of seed %llu\n",
			       n - 63, n, (unsigned long long)seed);
			return false;
		}
	}
	return meters_settle(&meters) && nodes_settle();
}

static int run_one(const struct program *program, unsigned long times)
{
	long before = tainted();
	bool ok = true;

	while (times-- && ok)
		ok = run(program) && tainted() == before;
	coverage_report(tally, false);
	printf("1..1\n%s 1 - the program\n", ok ? "ok" : "not ok");
	return !ok;
}

static int run_file(const char *name, unsigned long times)
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
	return run_one(&program, times);
}

static int run_only(uint64_t seed, unsigned long number, unsigned long times)
{
	struct program program;

	make(&program, seed, number);
	print_program(&program);
	return run_one(&program, times);
}

static void *share(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

struct options {
	uint64_t seed;
	double seconds;
	unsigned long most;
	const char *file;
	long only;
};

static bool read_options(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){ .seed = 1, .seconds = 30, .only = -1 };
	while ((option = getopt(argc, argv, "s:t:n:p:o:v")) != -1) {
		switch (option) {
		case 's':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			o->seconds = atof(optarg);
			break;
		case 'n':
			o->most = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			o->file = optarg;
			break;
		case 'o':
			o->only = strtol(optarg, NULL, 0);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned long ran = 0;
	struct options o;
	bool ok, all;

	if (!read_options(&o, argc, argv))
		return 2;
	tally = share(sizeof(*tally));
	commons = share(sizeof(*commons));
	grammar_begin();
	nodes_find();
	/* Test builds take an emulated SMMUv3 for a coherent one then; others have no such file. */
	write_file("/sys/module/iommufd/parameters/smmuv3_assume_coherent", "1");
	if (o.file)
		return run_file(o.file, o.most ?: 1);
	if (!read_corpus()) {
		printf("1..1\nnot ok 1 - the corpus can be read\n");
		return 1;
	}
	if (o.only >= 0)
		return run_only(o.seed, o.only, o.most ?: 1);
	printf("1..2\n");
	ok = fuzz(o.seed, o.seconds, o.most ?: ~0ul, &ran);
	all = coverage_report(tally, true);
	printf("%s 1 - %lu programs of seed %llu\n", ok ? "ok" : "not ok", ran,
	       (unsigned long long)o.seed);
	printf("%s 2 - every call succeeds at least once\n", all ? "ok" : "not ok");
	return !ok || !all;
}
