-- What the comparison keeps in PostgreSQL: per member a balance and lots, every request with its answer, every movement,
-- holds with the lots they took, stock and reservations. Text compares by bytes, which is the fastest there is; room is left on pages
-- that are updated in place.

create table members (
    member    text collate "C" primary key,
    available bigint not null,
    held      bigint not null
) with (fillfactor = 70);

create table lots (
    member   text collate "C",
    last_day date,
    issuer   text collate "C",
    points   bigint not null,
    primary key (member, last_day, issuer)
) with (fillfactor = 70);

create table requests (
    member  text collate "C",
    request text collate "C",
    answer  text not null,
    primary key (member, request)
);

create table entries (
    member   text collate "C",
    entry    bigint generated always as identity,
    kind     text not null,
    merchant text not null,
    points   bigint not null,
    at       timestamptz not null default now(),
    primary key (member, entry)
);

create table holds (
    hold       bigint generated always as identity primary key,
    member     text not null,
    merchant   text not null,
    points     bigint not null,
    state      text not null,
    expires_at timestamptz not null
) with (fillfactor = 70);

-- Which lots a hold or reservation took its points from, so that they can go back there.
create table held_lots (
    hold     bigint,
    last_day date,
    issuer   text collate "C",
    points   bigint not null,
    primary key (hold, last_day, issuer)
);

create table stock (
    sku      text collate "C" primary key,
    price    bigint not null,
    merchant text not null,
    units    bigint not null
) with (fillfactor = 10);

create table reservations (
    reservation bigint primary key,
    sku         text not null,
    quantity    bigint not null,
    expires_at  timestamptz not null
);

-- Takes points of a member from the lots that lapse first, for a hold. Whoever calls it has the member's row locked.
create function take(of_member text, for_hold bigint, wanted bigint) returns void language plpgsql as $$
declare
    lot  record;
    part bigint;
begin
    for lot in
        select last_day, issuer, points from lots
        where member = of_member and points > 0 order by last_day, issuer
    loop
        part := least(lot.points, wanted);
        update lots set points = points - part
            where member = of_member and last_day = lot.last_day and issuer = lot.issuer;
        insert into held_lots values (for_hold, lot.last_day, lot.issuer, part);
        wanted := wanted - part;
        exit when wanted = 0;
    end loop;
end $$;

-- Two requests with the same id at the same time: the later one waits for the member's row, then fails on the key of requests
-- with all it did, and gets the first one's answer when it is sent again.

create function earn(request_id text, to_member text, at_merchant text, how_many bigint) returns text
language plpgsql as $$
declare
    said    text;
    balance record;
    number  bigint;
begin
    select answer into said from requests where member = to_member and request = request_id;
    if found then return said; end if;
    update members set available = available + how_many where member = to_member
        returning available, held into balance;
    if not found then return '{"status":"refused","code":"member_not_found"}'; end if;
    insert into lots values (to_member, 'infinity', at_merchant, how_many)
        on conflict (member, last_day, issuer) do update set points = lots.points + excluded.points;
    insert into entries (member, kind, merchant, points)
        values (to_member, 'earn', at_merchant, how_many) returning entry into number;
    said := '{"status":"accepted","transaction":"' || number || '","available":' || balance.available
        || ',"held":' || balance.held || '}';
    insert into requests values (to_member, request_id, said);
    return said;
end $$;

create function hold(request_id text, of_member text, at_merchant text, how_many bigint) returns text
language plpgsql as $$
declare
    said    text;
    balance record;
    made    bigint;
begin
    select answer into said from requests where member = of_member and request = request_id;
    if found then return said; end if;
    update members set available = available - how_many, held = held + how_many
        where member = of_member and available >= how_many returning available, held into balance;
    if found then
        insert into holds (member, merchant, points, state, expires_at)
            values (of_member, at_merchant, how_many, 'open', now() + interval '900 seconds')
            returning hold into made;
        perform take(of_member, made, how_many);
        insert into entries (member, kind, merchant, points) values (of_member, 'hold', at_merchant, -how_many);
        said := '{"status":"accepted","hold":"' || made || '","available":' || balance.available
            || ',"held":' || balance.held || '}';
    else
        said := '{"status":"refused","code":"insufficient_points"}';
    end if;
    insert into requests values (of_member, request_id, said);
    return said;
end $$;

create function capture(request_id text, of_hold bigint) returns text language plpgsql as $$
declare
    said    text;
    held    record;
    balance record;
begin
    select member, merchant, points, state into held from holds where hold = of_hold for update;
    if not found then return '{"status":"refused","code":"hold_not_found"}'; end if;
    select answer into said from requests where member = held.member and request = request_id;
    if found then return said; end if;
    if held.state = 'open' then
        update holds set state = 'captured' where hold = of_hold;
        delete from held_lots where hold = of_hold;
        update members m set held = m.held - held.points where m.member = held.member
            returning m.available, m.held into balance;
        insert into entries (member, kind, merchant, points) values (held.member, 'capture', held.merchant, 0);
        said := '{"status":"accepted","captured":' || held.points || ',"available":' || balance.available
            || ',"held":' || balance.held || '}';
    else
        said := '{"status":"refused","code":"hold_captured"}';
    end if;
    insert into requests values (held.member, request_id, said);
    return said;
end $$;

-- The hot row comes last: it is locked from there to the end of the transaction, and everybody else waits for it.
create function reserve(request_id text, of_member text, of_sku text, wanted bigint) returns text
language plpgsql as $$
declare
    said    text;
    sale    record;
    balance record;
    made    bigint;
begin
    select answer into said from requests where member = of_member and request = request_id;
    if found then return said; end if;
    select price * wanted as points, merchant, units into sale from stock where sku = of_sku;
    if not found then return '{"status":"refused","code":"sku_not_found"}'; end if;
    if sale.units < wanted then return '{"status":"refused","code":"sold_out"}'; end if;
    update members set available = available - sale.points, held = held + sale.points
        where member = of_member and available >= sale.points returning available, held into balance;
    if not found then
        said := '{"status":"refused","code":"insufficient_points"}';
        insert into requests values (of_member, request_id, said);
        return said;
    end if;
    insert into holds (member, merchant, points, state, expires_at)
        values (of_member, sale.merchant, sale.points, 'open', now() + interval '7 days')
        returning hold into made;
    perform take(of_member, made, sale.points);
    insert into reservations values (made, of_sku, wanted, now() + interval '7 days');
    insert into entries (member, kind, merchant, points) values (of_member, 'reserve', sale.merchant, -sale.points);
    said := '{"status":"accepted","reservation":"' || made || '","available":' || balance.available
        || ',"held":' || balance.held || '}';
    insert into requests values (of_member, request_id, said);
    update stock set units = units - wanted where sku = of_sku and units >= wanted;
    -- Sold out meanwhile: nothing of it happened, and the request id is free, as in Jifen.
    if not found then raise exception 'sold_out'; end if;
    return said;
end $$;

create function look(at_member text) returns text language plpgsql stable as $$
declare
    balance record;
    parts   text;
begin
    select available, held into balance from members where member = at_member;
    select string_agg('{"issuer":"' || issuer || '","last_day":"' || last_day || '","points":' || points || '}', ',')
        into parts from lots where member = at_member and points > 0;
    return '{"available":' || balance.available || ',"held":' || balance.held || ',"lots":[' || parts || ']}';
end $$;
