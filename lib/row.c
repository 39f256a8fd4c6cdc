/*
 * A row of the store, read by the names of its columns.
 */
#include <string.h>

#include "internal.h"

static const struct sb_cell *
cell(const struct sb_row *row, const char *column)
{
	for (int i = 0; i < row->columns; i++)
		if (strcmp(row->cells[i].name, column) == 0)
			return &row->cells[i];
	sb_fatal("no column %s in this row", column);
}

const char *
sb_row_text(const struct sb_row *row, const char *column)
{
	return cell(row, column)->text;
}

int64_t
sb_row_int(const struct sb_row *row, const char *column)
{
	return cell(row, column)->number;
}

const void *
sb_row_bytes(const struct sb_row *row, const char *column, size_t *length)
{
	*length = cell(row, column)->length;
	return cell(row, column)->text;
}
