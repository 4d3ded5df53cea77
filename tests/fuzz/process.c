// SPDX-License-Identifier: GPL-2.0-only
/* The processes of a program: what they have in common, and files sent between them. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "fuzz.h"

struct runner {
	pthread_t thread;
	const struct program *program;
	struct world *world;
	struct tally *tally;
	unsigned int begin;		/* the first call of all that are run */
	unsigned int first;		/* the one that this thread begins with */
};

/* Each thread runs all calls, from another place on. */
static void *run_calls(void *arg)
{
	struct runner *runner = arg;
	const struct program *program = runner->program;
	unsigned int span = program->n - runner->begin, i;

	for (i = 0; i < span; i++)
		execute_call(runner->world, program,
			     &program->calls[runner->begin + (runner->first + i) % span],
			     runner->tally);
	return NULL;
}

/* Those who share objects start at different places; rivals for a device don't. */
static void run_threads(const struct program *program, struct world *world,
			struct tally *tally, unsigned int number, unsigned int begin)
{
	unsigned int n = program->threads, span = program->n - begin, i;
	struct runner runners[3];

	if (n < 1 || n > 3)
		n = 1;
	for (i = 0; i < n; i++) {
		unsigned int place = program->sharing == OWN ? i : number * n + i;
		unsigned int places = program->sharing == OWN ? n : program->processes * n;

		runners[i] = (struct runner){ 0, program, world, tally, begin,
					      span * place / places };
		if (i)
			pthread_create(&runners[i].thread, NULL, run_calls, &runners[i]);
	}
	run_calls(&runners[0]);
	for (i = 1; i < n; i++)
		pthread_join(runners[i].thread, NULL);
}

static void note_process(struct world *world, unsigned int number)
{
	atomic_store(&world->commons->pids[number], getpid());
}

/* Memory, and a context of its own unless it got one. */
static bool begin(struct world *world, unsigned int number)
{
	int memfd = memory_prepare();

	if (world->fd < 0)
		world->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (memfd < 0 || world->fd < 0)
		return false;
	world_made(world, MEMFD, memfd);
	world_made(world, CONTEXT, world->fd);
	note_process(world, number);
	return true;
}

/* The first of those that inherit: the others are its children. */
static void run_inherited(const struct program *program, struct world *world,
			  struct tally *tally)
{
	unsigned int before = program->before < program->n ? program->before : 0;
	unsigned int number, i;

	for (i = 0; i < before; i++)
		execute_call(world, program, &program->calls[i], tally);
	for (number = program->processes - 1; number; number--) {
		if (!fork()) {
			note_process(world, number);
			break;
		}
	}
	run_threads(program, world, tally, number, before);
}

static void run_process(const struct program *program, struct world *world,
			struct tally *tally, unsigned int number)
{
	if (!begin(world, number))
		return;
	if (program->processes > 1 && program->sharing == INHERIT)
		run_inherited(program, world, tally);
	else
		run_threads(program, world, tally, number, 0);
}

/* A message: a descriptor, and what it is. */
static int mail_send(int socket, int fd, char thing)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { &thing, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(socket, &msg, MSG_DONTWAIT);
}

static int mail_receive(int socket, char *thing)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { thing, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1 ||
	    !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

int run_send(struct world *world, const uint64_t *values)
{
	enum thing thing = thing_of(world, values[0]);

	return thing == THINGS ? -1 : mail_send(world->mail[0], values[0], thing);
}

int run_receive(struct world *world, const uint64_t *values)
{
	char thing;
	int fd = mail_receive(world->mail[1], &thing);

	if (fd >= 0)
		world_made(world, thing, fd);
	return fd;
}

/* The receiver gets the context from a socket, as it can be sent by anyone. */
static void get_context(struct world *world, int context)
{
	char thing;

	if (mail_send(world->mail[0], context, CONTEXT) == 1)
		world->fd = mail_receive(world->mail[1], &thing);
}

static void begin_world(struct world *world, struct commons *commons)
{
	memset(world, 0, sizeof(*world));
	world->fd = -1;
	world->commons = commons;
	world->ids = commons->ids[0];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, world->mail))
		_exit(1);
}

/* Orphans come to us, so that none is left when the last has ended. */
static void run_processes(const struct program *program, struct world *world,
			  struct tally *tally)
{
	unsigned int n = program->sharing == INHERIT ? 1 : program->processes, i;
	int context = -1;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (program->sharing == SEND)
		context = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	for (i = 0; i < n; i++) {
		if (program->sharing == SEND)
			get_context(world, context);
		if (program->sharing == OWN)
			world->ids = world->commons->ids[i];
		if (!fork()) {
			close(context);
			run_process(program, world, tally, i);
			_exit(0);
		}
		close(world->fd);
		world->fd = -1;
	}
	close(context);
	close(world->mail[0]);
	close(world->mail[1]);
	while (wait(NULL) > 0)
		;
}

void execute(const struct program *program, struct commons *commons, struct tally *tally)
{
	struct world world;

	begin_world(&world, commons);
	if (program->processes > 1)
		run_processes(program, &world, tally);
	else
		run_process(program, &world, tally, 0);
}
