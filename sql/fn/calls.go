package fn

// How the special syntax of SQL becomes calls. The binder makes these calls; keywords arrive as
// SYMBOL constants in upper case, so that Bind sees them in Arg.Lit.
//
//	EXTRACT(unit FROM x)                   EXTRACT(unit, x)
//	FLOOR(x TO unit), CEIL(x TO unit)      FLOOR(x, unit), CEIL(x, unit)
//	TIMESTAMPADD(unit, n, ts)              the same, TIMESTAMPDIFF(unit, a, b) too
//	(a, b) OVERLAPS (c, d)                 OVERLAPS(a, b, c, d)
//	x AT TIME ZONE z                       AT_TIME_ZONE(x, z)
//	TRIM([side] [chars] FROM s)            TRIM(side, chars, s): BOTH, LEADING or TRAILING; chars ' ' by default
//	OVERLAY(s PLACING r FROM i [FOR n])    OVERLAY(s, r, i[, n])
//	POSITION(x IN s [FROM i])              POSITION(x, s[, i])
//	SUBSTRING(s FROM i [FOR n])            SUBSTRING(s, i[, n])
//	s LIKE p [ESCAPE e]                    LIKE(s, p[, e]); NOT LIKE is NOT of it
//	s SIMILAR TO p [ESCAPE e]              SIMILAR(s, p[, e])
//	x IS JSON [kind]                       IS_JSON(x, kind): VALUE, SCALAR, ARRAY or OBJECT
//	JSON_VALUE(j, p ...)                   JSON_VALUE(j, p, type, onEmpty, emptyDefault, onError, errorDefault)
//	                                       on...: NULL, ERROR or DEFAULT; a default that is not there is NULL;
//	                                       type: STRING, BOOLEAN, INTEGER, BIGINT or DOUBLE
//	JSON_QUERY(j, p ...)                   JSON_QUERY(j, p, type, wrapper, onEmpty, onError)
//	                                       type: STRING or ARRAY<STRING>; wrapper: WITHOUT, CONDITIONAL or
//	                                       UNCONDITIONAL; on...: NULL, ERROR, EMPTY ARRAY or EMPTY OBJECT
//	JSON_EXISTS(j, p ... ON ERROR)         JSON_EXISTS(j, p[, onError]): TRUE, FALSE, UNKNOWN or ERROR
//	JSON_OBJECT(k VALUE v ... ON NULL)     JSON_OBJECT(clause, k, v, ...): clause NULL (default) or ABSENT
//	JSON_ARRAY(v, ... ON NULL)             JSON_ARRAY(clause, v, ...): clause NULL or ABSENT (default)
//	CASE WHEN c THEN r ... ELSE e END      CASE(c, r, ..., e); without ELSE: CASE(c, r, ...); CASE x WHEN y: c is x = y
//	IF(c, a, b)                            the same
//	ARRAY[...], MAP[...], ROW(...), (...)  ARRAY(...), MAP(...), ROW(...)
//	a[i], m[k]                             ITEM(a, i), ITEM(m, k)
//	r.f                                    FIELD(r, f): the name is the SYMBOL's text, as written
//	a || b                                 ||(a, b)
//	CURRENT_TIMESTAMP, LOCALTIME, ...      the function of that name without arguments
//
// CASE and IF have kernels that take all arguments evaluated; the evaluator does without them, since
// it must evaluate only what is asked for. For JSON_OBJECT and JSON_ARRAY the binder sets Arg.Call.
