/* SPDX-License-Identifier: MIT */
/* The entry point; everything else is in rp_cli_main, which tests call too. */
#include "cli.h"

int main(int argc, char **argv, char **envp)
{
	return rp_cli_main(argc, argv, envp);
}
