/*
 * All that waits: the events of a chat session, and the decision of a feedback
 * request.  A program of its own, so that nothing else lacks a process.
 */
#include "sb.h"

static const struct sb_route routes[] = {
	{ SB_NONE }
};

static const struct sb_program program = {
	"events", "What happens in chat sessions, as it happens.",
	routes, "chat"
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, &program);
}
