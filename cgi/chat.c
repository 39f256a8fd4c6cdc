/*
 * Chat sessions: what is said in them, and what people are asked.
 */
#include "sb.h"

static const struct sb_route routes[] = {
	{ SB_NONE }
};

static const struct sb_program program = {
	"chat", "Chat sessions, their messages, and feedback requests.",
	routes, NULL
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, &program);
}
