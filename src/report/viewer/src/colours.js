// Colours of roles: told apart by colour-blind readers too; a role also stands in words beside each account.

// A map: a role may have any name, that of a method of objects too.
const ROLES = new Map(Object.entries({
  victim: "#0072b2",
  collector: "#d55e00",
  mule: "#e69f00",
  layer: "#b1689b",
  "cash-out": "#00805f",
  controller: "#3b2e7e",
}));

export const MEMBER = "#6b7a90";
export const OUTSIDE = "#ffffff";
export const IDENTIFIER = "#fff3bf";
export const EVIDENCE = "#16202e";
export const OTHER = "#a9b4c2";
export const SELECTED = "#1d4ed8";

export const roleColour = (role) => ROLES.get(role) ?? MEMBER;

/** The colours of an account, one for each role. */
export function colours(account) {
  if (account.roles.length) return account.roles.map(roleColour);
  return [account.member ? MEMBER : OUTSIDE];
}
