import { Type } from 'typebox';
import { anyText, Choice } from './fields.ts';

/* What every list of the HTTP API takes. */

const { Optional } = Type;

/** How many entries a page holds at most, and how far `offset` reaches. */
export const pageLimitMax = 250;

export const pageOffsetMax = 20_000;

export const Limit = Type.Integer({
  minimum: 1,
  maximum: pageLimitMax,
  description: `a whole number from 1 to ${pageLimitMax}`,
});

export const paging = {
  limit: Optional(Limit),
  offset: Optional(
    Type.Integer({
      minimum: 0,
      maximum: pageOffsetMax,
      description: `a whole number from 0 to ${pageOffsetMax}`,
    }),
  ),
};

export const listing = {
  ...paging,
  ids: Optional(
    Type.String({
      pattern: '^[0-9]{1,16}(,[0-9]{1,16}){0,249}$',
      description: 'up to 250 ids with commas between them',
    }),
  ),
  query: Optional(Type.String({ maxLength: 200, pattern: anyText, description: 'up to 200 characters' })),
};

export const SortByName = Optional(Choice(['name', '-name']));

export const favorites = { favorite: Optional(Choice(['true', 'false', '*'])) };

export const SortWithFavorites = Optional(Choice(['name', '-name', 'favorite']));
