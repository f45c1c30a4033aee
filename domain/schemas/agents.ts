import { Type } from 'typebox';
import { Flag, Name } from './fields.ts';
import { listing, SortByName } from './lists.ts';

/* What callers send about agents. */

const { Optional } = Type;

export const AgentChange = Type.Object({ name: Optional(Name) });

export const AgentQuery = Type.Object({ ...listing, online: Optional(Flag), sort: SortByName });
